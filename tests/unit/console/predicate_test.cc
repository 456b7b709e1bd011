#include "controlplane/console/data/predicate.h"

#include <gtest/gtest.h>

#include "common/document/json.h"

namespace aerodb::console {
namespace {

document::Schema schema() {
  auto schema = document::schema_from_json(R"({"collection": "c", "version": 2, "fields": {
    "_id": {"type": "string", "required": true}, "s": {"type": "string", "indexed": true},
    "i": {"type": "int"}, "f": {"type": "float"}, "b": {"type": "bool"}, "raw": {"type": "bytes"},
    "o": {"type": "object", "fields": {"inner": {"type": "int"}}}}})");
  EXPECT_TRUE(schema.has_value());
  return *schema;
}

// "field op value", the value as JSON.
std::string read(std::string_view text) {
  auto predicate = parse_predicate(text, schema());
  if (!predicate) return std::string(predicate.error().row().name);
  return predicate->field + " " + std::string(predicate->op) + " " + *document::to_json(predicate->value);
}

TEST(Predicate, ReadsEveryOperator) {
  EXPECT_EQ(read("i=1"), "i eq 1");
  EXPECT_EQ(read("i<1"), "i lt 1");
  EXPECT_EQ(read("i<=1"), "i le 1");
  EXPECT_EQ(read("i>1"), "i gt 1");
  EXPECT_EQ(read("i>=1"), "i ge 1");
}

TEST(Predicate, ReadsTheValueByTheTypeOfTheField) {
  EXPECT_EQ(read("s=1"), "s eq \"1\"");
  EXPECT_EQ(read("i=-9223372036854775808"), "i eq -9223372036854775808");
  EXPECT_EQ(read("f=1"), "f eq 1.0");
  EXPECT_EQ(read("b=true"), "b eq true");
  EXPECT_EQ(read("o.inner=4"), "o.inner eq 4");
  EXPECT_EQ(read("_id=AW"), "_id eq \"AW\"");
  const auto raw = parse_predicate("raw=00ff", schema());
  ASSERT_TRUE(raw.has_value());
  EXPECT_EQ(raw->value, (Bytes{0xc4, 2, 0x00, 0xff}));
}

TEST(Predicate, KeepsWhatStandsBehindTheFirstOperator) {
  EXPECT_EQ(read("s="), "s eq \"\"");
  EXPECT_EQ(read("s=a<b>=c d"), "s eq \"a<b>=c d\"");
}

TEST(Predicate, RefusesWhatHasNoFieldOrNoValueOfItsType) {
  for (const auto* text : {"", "s", "=1", "unknown=1", "o=1", "i=1.5", "i=", "i=9223372036854775808", "f=x", "b=yes",
                           "raw=0", "raw=zz", " s=1"}) {
    EXPECT_EQ(read(text), "USAGE") << text;
  }
}

}  // namespace
}  // namespace aerodb::console
