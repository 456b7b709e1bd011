#include "controlplane/console/output.h"

#include <gtest/gtest.h>

#include "controlplane/console/data/progress.h"
#include "tests/unit/console/console_kit.h"

namespace aerodb::console {
namespace {

struct Inner {
  uint64_t lsn = 5;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("lsn", self.lsn, "");
  }
};
struct Outer {
  std::string name = "p1";
  std::optional<uint64_t> nothing;
  LineageId id = *id_from_hex<LineageId>("000102030405060708090a0b0c0d0e0f");
  Inner inner;
  std::vector<Inner> list = {{1}, {22}};
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name, "");
    visit("nothing", self.nothing, "");
    visit("id", self.id, "");
    visit("inner", self.inner, "");
    visit("list", self.list, "");
  }
};

TEST(Table, SetsNumbersToTheRightAndCutsNothingWithoutATerminal) {
  Table table({"name", "value"});
  table.row({"long name of something", "7"});
  table.row({"b", "1234567"});
  EXPECT_EQ(table.render({}),
            "name                      value\n"
            "long name of something        7\n"
            "b                       1234567\n");
}

TEST(Table, FitsTheTerminalByCuttingTheWidestColumn) {
  Table table({"id", "text"});
  table.row({"AW", std::string(100, 'x')});
  Screen screen;
  screen.width = 20;
  EXPECT_EQ(table.render(screen), "id  text\nAW  " + std::string(15, 'x') + "\u2026\n");
}

TEST(Table, CountsCharactersNotBytes) {
  Table table({"a", "b"});
  table.row({"\u00e5\u00e5\u00e5", "x"});
  table.row({"yyyy", "x"});
  EXPECT_EQ(table.render({}), "a     b\n\u00e5\u00e5\u00e5   x\nyyyy  x\n");
}

TEST(Table, HasColoursOnlyWhereTheScreenHas) {
  Table table({"a"});
  EXPECT_EQ(table.render({}), "a\n");
  Screen screen;
  screen.colours = true;
  EXPECT_EQ(table.render(screen), "\x1b[1ma\x1b[0m\n");
}

TEST(Printable, LeavesNoControlCharacter) {
  EXPECT_EQ(printable("a\x1b[2Jb\n\x7f\u009b\u00e5"), "a\\x1b[2Jb\\x0a\\x7f\\x9b\u00e5");
}

TEST(Output, ShowsAMessageAsFactsAndTables) {
  Collected collected;
  collected.output.message(Outer{});
  EXPECT_EQ(collected.out(),
            "name       p1\n"
            "nothing    -\n"
            "id         000102030405060708090a0b0c0d0e0f\n"
            "inner.lsn  5\n"
            "\n"
            "list:\n"
            "lsn\n"
            "  1\n"
            " 22\n");
}

TEST(Output, ShowsTheSameAsJson) {
  Collected collected;
  collected.output.set_format(Format::kJsonl);
  collected.output.message(Outer{});
  EXPECT_EQ(collected.out(),
            "{\"name\":\"p1\",\"nothing\":null,\"id\":\"000102030405060708090a0b0c0d0e0f\",\"inner\":{\"lsn\":5},"
            "\"list\":[{\"lsn\":1},{\"lsn\":22}]}\n");
}

TEST(Output, JsonLinesOfAListAreItsElements) {
  Collected collected;
  const Outer outer;
  collected.output.set_format(Format::kJsonl);
  collected.output.list(outer, outer.list);
  EXPECT_EQ(collected.out(), "{\"lsn\":1}\n{\"lsn\":22}\n");
}

TEST(Output, AnErrorCannotSteerTheTerminal) {
  const auto text = error_text("aerodb get", {ErrorCode::kInternal, "a\nb", {{"k\n", "\x1b[31m"}}}, Advice::kShown);
  EXPECT_EQ(text, "aerodb get: INTERNAL: a\\x0ab\n  k\\x0a: \\x1b[31m\n");
}

TEST(Progress, LineShowsRateAndWhatRemains) {
  EXPECT_EQ(progress_line(2048, 0, 2), "2048  1024/s");
  EXPECT_EQ(progress_line(0, 100, 0), "[" + std::string(30, ' ') + "]   0%  0/100");
  EXPECT_EQ(progress_line(50, 100, 10),
            "[" + std::string(15, '#') + std::string(15, ' ') + "]  50%  50/100  5/s  10 s left");
}

TEST(Progress, IsSilentWithoutATerminal) {
  Collected collected;
  {
    Progress progress(collected.output, 10);
    progress.show(5);
  }
  EXPECT_EQ(collected.err(), "");
}

}  // namespace
}  // namespace aerodb::console
