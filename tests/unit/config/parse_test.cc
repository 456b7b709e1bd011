#include <gtest/gtest.h>

#include "common/config/checks.h"
#include "common/config/config.h"

namespace aerodb::config {
namespace {

struct Item {
  std::string name;
  uint16_t weight = 1;
  template <class Self, class Visit>
  static void keys(Self& self, Visit&& visit) {
    visit("name", self.name, {.required = true, .name = true}, "its name");
    visit("weight", self.weight, {.min = 1, .max = 9}, "how much");
  }
  friend bool operator==(const Item&, const Item&) = default;
};

constexpr std::string_view kColours[] = {"red", "green"};

struct Sample {
  std::string title;
  std::optional<std::string> note;
  std::optional<ClusterId> cluster;
  bool on = true;
  uint64_t size = 10;
  std::string colour = "red";
  LogLevel level = LogLevel::kInfo;
  runtime::Endpoint address;
  runtime::Endpoint derived;
  std::vector<std::string> hosts;
  std::vector<Item> items;
  bool completed = false;

  template <class Self, class Visit>
  static void keys(Self& self, Visit&& visit) {
    visit("main.title", self.title, {.required = true}, "what it is called");
    visit("main.note", self.note, "a remark");
    visit("main.cluster", self.cluster, "an id");
    visit("size", self.size, {.min = 10, .max = 20}, "how large");
    visit("main.on", self.on, "whether");
    visit("main.colour", self.colour, {.one_of = kColours}, "which");
    visit("log.level", self.level, "least level");
    visit("main.address", self.address, "where");
    visit("main.derived", self.derived, {.derived = "`unix:TITLE/x`"}, "derived");
    visit("main.hosts", self.hosts, "who");
    visit("item", self.items, "a thing");
  }
  void complete() {
    completed = true;
    if (!is_set(derived)) derived = unix_socket(title, "x");
  }
  void check(Problems& problems) const {
    if (note == "forbidden") problems.add("main.note", "that", "something else");
    check_names("item", items, problems);
  }
  friend bool operator==(const Sample&, const Sample&) = default;
};

constexpr std::string_view kFull = R"(size = 20
[main]
title = "a \"quoted\" title\n"
note = "n"
cluster = "000102030405060708090a0b0c0d0e0F"
on = false
colour = "green"
address = "[::1]:80"
derived = "unix:/tmp/s"
hosts = ["a", "b"]
[log]
level = "warn"
[[item]]
name = "one"
[[item]]
name = "two"
weight = 9
)";

std::vector<std::string> problems_of(std::string_view text) {
  auto parsed = parse<Sample>(text, "f.toml");
  if (parsed) return {};
  EXPECT_EQ(parsed.error().code, ErrorCode::kConfigInvalid);
  std::vector<std::string> lines = {parsed.error().message};
  for (const auto& detail : parsed.error().details) lines.push_back(detail.value);
  return lines;
}
using Lines = std::vector<std::string>;

TEST(Parse, TakesEveryType) {
  auto parsed = parse<Sample>(kFull, "f.toml");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->title, "a \"quoted\" title\n");
  EXPECT_EQ(parsed->note, "n");
  ASSERT_TRUE(parsed->cluster);
  EXPECT_EQ(to_hex(*parsed->cluster), "000102030405060708090a0b0c0d0e0f");
  EXPECT_FALSE(parsed->on);
  EXPECT_EQ(parsed->size, 20u);
  EXPECT_EQ(parsed->colour, "green");
  EXPECT_EQ(parsed->level, LogLevel::kWarn);
  EXPECT_EQ(parsed->address.text(), "[::1]:80");
  EXPECT_EQ(parsed->derived.text(), "unix:/tmp/s");
  EXPECT_EQ(parsed->hosts, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(parsed->items, (std::vector<Item>{{"one", 1}, {"two", 9}}));
}

TEST(Parse, KeepsDefaultsAndCompletes) {
  auto parsed = parse<Sample>("[main]\ntitle = \"t\"\n", "f.toml");
  ASSERT_TRUE(parsed) << parsed.error().message;
  Sample expected;
  expected.title = "t";
  expected.complete();
  EXPECT_EQ(*parsed, expected);
  EXPECT_EQ(parsed->derived.text(), "unix:t/x");
}

TEST(Parse, UnknownKeyListsTheKeysOfItsTable) {
  EXPECT_EQ(
      problems_of("[main]\ntitle = \"t\"\n  titel = 1\n"),
      Lines{"f.toml:3:3: main.titel: found an unknown key; expected one of title, note, cluster, on, colour, address, "
            "derived, hosts"});
  EXPECT_EQ(problems_of("[main]\ntitle = \"t\"\n[mian]\n"),
            Lines{"f.toml:3:2: mian: found an unknown key; expected one of main, size, log, item"});
  EXPECT_EQ(problems_of("[main]\ntitle = \"t\"\n[[item]]\nname = \"a\"\nheight = 1\n"),
            Lines{"f.toml:5:1: item[0].height: found an unknown key; expected one of name, weight"});
}

TEST(Parse, WrongTypeIsRefusedWithItsPlace) {
  const std::string title = "main.title = \"t\"\n";
  EXPECT_EQ(problems_of(title + "size = \"12\"\n"),
            Lines{"f.toml:2:8: size: found \"12\"; expected integer, 10 to 20"});
  EXPECT_EQ(problems_of(title + "size = 12.0\n").size(), 1u);
  EXPECT_EQ(problems_of(title + "main.on = 1\n"), Lines{"f.toml:2:11: main.on: found 1; expected boolean"});
  EXPECT_EQ(problems_of(title + "log = 1\n"), Lines{"f.toml:2:7: log: found 1; expected a table"});
  EXPECT_EQ(problems_of(title + "main.hosts = [1]\n"),
            Lines{"f.toml:2:14: main.hosts: found an array; expected list of strings"});
  EXPECT_EQ(problems_of(title + "item = 1979-05-27\n"),
            Lines{"f.toml:2:8: item: found a date or time; expected list of tables"});
  EXPECT_EQ(problems_of(title + "item = [1]\n").size(), 1u);
  EXPECT_EQ(problems_of("main.title = 1\n"), Lines{"f.toml:1:14: main.title: found 1; expected string, not empty"});
  EXPECT_EQ(problems_of(title + "log.level = \"loud\"\n"),
            Lines{"f.toml:2:13: log.level: found \"loud\"; expected string, one of debug, info, warn, error"});
  EXPECT_EQ(problems_of(title + "main.address = \"localhost\"\n"),
            Lines{"f.toml:2:16: main.address: found \"localhost\"; expected address, HOST:PORT or unix:PATH"});
  EXPECT_EQ(problems_of(title + "main.cluster = \"00\"\n"),
            Lines{"f.toml:2:16: main.cluster: found \"00\"; expected id, 32 hex digits"});
}

TEST(Parse, RangeIncludesBothEnds) {
  const std::string title = "main.title = \"t\"\n";
  EXPECT_TRUE(problems_of(title + "size = 10\n").empty());
  EXPECT_TRUE(problems_of(title + "size = 20\n").empty());
  EXPECT_EQ(problems_of(title + "size = 9\n"), Lines{"f.toml:2:8: size: found 9; expected integer, 10 to 20"});
  EXPECT_EQ(problems_of(title + "size = 21\n").size(), 1u);
  EXPECT_EQ(problems_of(title + "size = -10\n").size(), 1u);
  EXPECT_EQ(problems_of(title + "size = 9223372036854775807\n").size(), 1u);
}

TEST(Parse, OnlyListedWordsAndNames) {
  const std::string title = "main.title = \"t\"\n";
  EXPECT_EQ(problems_of(title + "main.colour = \"blue\"\n"),
            Lines{"f.toml:2:15: main.colour: found \"blue\"; expected string, one of red, green"});
  EXPECT_EQ(problems_of(title + "[[item]]\nname = \"a b\"\n").size(), 1u);
  EXPECT_EQ(problems_of(title + "[[item]]\nname = \"" + std::string(65, 'a') + "\"\n").size(), 1u);
  EXPECT_TRUE(problems_of(title + "[[item]]\nname = \"" + std::string(64, 'a') + "\"\n").empty());
}

TEST(Parse, MissingRequiredKeyIsPlacedAtItsTable) {
  EXPECT_EQ(problems_of(""), Lines{"f.toml:1:1: main.title: found nothing; expected string, not empty"});
  EXPECT_EQ(problems_of("size = 10\n[main]\n"),
            Lines{"f.toml:2:1: main.title: found nothing; expected string, not empty"});
  EXPECT_EQ(problems_of("main.title = \"t\"\n\n[[item]]\nweight = 2\n"),
            Lines{"f.toml:3:1: item[0].name: found nothing; expected string, 1 to 64 of A-Z a-z 0-9 . _ -"});
}

TEST(Parse, ReportsAllProblemsInOrderOfTheFile) {
  const auto lines = problems_of("zzz = 1\nsize = 1\n[main]\non = 2\naaa = 3\n");
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_TRUE(lines[0].starts_with("f.toml:1:1: zzz:")) << lines[0];
  EXPECT_TRUE(lines[1].starts_with("f.toml:2:8: size:")) << lines[1];
  EXPECT_TRUE(lines[2].starts_with("f.toml:3:1: main.title:")) << lines[2];
  EXPECT_TRUE(lines[3].starts_with("f.toml:4:6: main.on:")) << lines[3];
  EXPECT_TRUE(lines[4].starts_with("f.toml:5:1: main.aaa:")) << lines[4];
}

TEST(Parse, ChecksBetweenKeysKnowTheirPlace) {
  EXPECT_EQ(problems_of("[main]\ntitle = \"t\"\nnote = \"forbidden\"\n"),
            Lines{"f.toml:3:8: main.note: found that; expected something else"});
  EXPECT_EQ(problems_of("main.title = \"t\"\n[[item]]\nname = \"a\"\n[[item]]\nname = \"a\"\n"),
            Lines{"f.toml:5:8: item[1].name: found \"a\"; expected another name than that of item[0]"});
}

TEST(Parse, RefusesWhatIsNotToml) {
  for (std::string text : {"main.title = \"t\"\nmain.title = \"t\"\n", "= 1", "a = \"\xff\"", "a = [1,", "\x01"}) {
    const auto lines = problems_of(text);
    ASSERT_EQ(lines.size(), 1u) << text;
    EXPECT_NE(lines[0].find("expected valid TOML 1.0"), std::string::npos) << lines[0];
  }
  EXPECT_EQ(problems_of("x = " + std::string(100'000, '[')).size(), 1u);
  EXPECT_EQ(problems_of(std::string(kMaxConfigBytes + 1, '#')).size(), 1u);
}

TEST(Parse, LongListsAreRefused) {
  std::string text = "main.title = \"t\"\nmain.hosts = [";
  for (int i = 0; i < 1025; ++i) text += "\"a\",";
  EXPECT_EQ(problems_of(text + "]\n").size(), 1u);
}

TEST(Print, ParsesBackToTheSame) {
  for (std::string_view text : {kFull, std::string_view("main.title = \"\\u0001\\\\\\u007f\"")}) {
    auto config = parse<Sample>(text, "f.toml");
    ASSERT_TRUE(config) << config.error().message;
    const std::string printed = print(*config);
    auto again = parse<Sample>(printed, "printed");
    ASSERT_TRUE(again) << again.error().message << "\n" << printed;
    EXPECT_EQ(*again, *config) << printed;
    EXPECT_EQ(print(*again), printed);
  }
}

TEST(Print, ExplainsEveryKey) {
  Sample sample;
  sample.title = "t";
  const std::string printed = print(sample);
  for (const Key& key : keys_of(sample)) {
    if (key.name == "item") continue;  // shown with its elements, and there are none
    EXPECT_NE(printed.find("# " + std::string(key.help)), std::string::npos) << key.name;
  }
  EXPECT_NE(printed.find("# note is not set\n"), std::string::npos) << printed;
}

TEST(Reference, HasARowForEveryKey) {
  const std::string table = reference_table<Sample>();
  EXPECT_NE(table.find("| `main.title` | string | not empty | required | what it is called |\n"), std::string::npos)
      << table;
  EXPECT_NE(table.find("| `size` | integer | 10 to 20 | `10` | how large |\n"), std::string::npos) << table;
  EXPECT_NE(table.find("| `main.derived` | address | HOST:PORT or unix:PATH | `unix:TITLE/x` | derived |\n"),
            std::string::npos);
  EXPECT_NE(table.find("| `[[item]] weight` | integer | 1 to 9 | `1` | how much |\n"), std::string::npos) << table;
}

TEST(KindOfConfig, IsToldByTheOneTableOfARole) {
  EXPECT_EQ(kind_of_config("[node]\nname = \"a\"\n").value(), ConfigKind::kNode);
  EXPECT_EQ(kind_of_config("[[node]]\nname = \"a\"\n[explainer]\n[[shipper]]\n").value(), ConfigKind::kExplainer);
  EXPECT_EQ(kind_of_config("shipper.name = \"s\"\n").value(), ConfigKind::kShipper);
  EXPECT_EQ(kind_of_config("[controlplane]\n").value(), ConfigKind::kControlplane);
  EXPECT_EQ(kind_of_config("[[node]]\n").error().code, ErrorCode::kConfigInvalid);
  EXPECT_NE(kind_of_config("[node]\n[shipper]\n").error().message.find("[node] and [shipper]"), std::string::npos);
  EXPECT_EQ(kind_of_config("[node").error().code, ErrorCode::kConfigInvalid);
}

TEST(Load, UnreadableFileIsAConfigError) {
  auto loaded = load<Sample>("/nonexistent/x.toml");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kConfigInvalid);
  EXPECT_EQ(loaded.error().message,
            "/nonexistent/x.toml:1:1: file: found No such file or directory; expected a readable TOML file");
  EXPECT_FALSE(load<Sample>("/tmp"));
}

}  // namespace
}  // namespace aerodb::config
