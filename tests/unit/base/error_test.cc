#include "common/base/error.h"

#include <gtest/gtest.h>

#include <set>

#include "common/base/fault.h"

namespace aerodb {
namespace {

TEST(ErrorTable, EveryNameIsUniqueUpperSnakeAndFoundAgain) {
  std::set<std::string_view> names;
  for (const auto& row : error_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(row.name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), std::string_view::npos) << row.name;
    EXPECT_EQ(error_code_from_name(row.name), row.code);
    EXPECT_EQ(&error_row(row.code), &row);
  }
}

TEST(ErrorTable, EveryMeaningIsOneSentence) {
  for (const auto& row : error_table()) {
    ASSERT_FALSE(row.meaning.empty()) << row.name;
    EXPECT_EQ(row.meaning.back(), '.') << row.name;
    EXPECT_EQ(row.meaning.find(". "), std::string_view::npos) << row.name;
  }
}

TEST(ErrorTable, NoErrorExitsWithSuccessAndHttpStatusIsAnError) {
  for (const auto& row : error_table()) {
    EXPECT_NE(row.exit_code, ExitCode::kOk) << row.name;
    EXPECT_GE(row.http_status, 400) << row.name;
    EXPECT_LT(row.http_status, 600) << row.name;
  }
}

TEST(ErrorTable, UnknownNameIsNoCode) {
  EXPECT_FALSE(error_code_from_name("NO_SUCH_CODE"));
  EXPECT_FALSE(error_code_from_name(""));
  EXPECT_FALSE(error_code_from_name("behind"));
}

TEST(Error, DetailsKeepTheirOrderAndNumbersAreExact) {
  Error error{ErrorCode::kBehind, "get a/b: too early", {}};
  error.with("applied", uint64_t{9'007'199'254'740'991}).with("asked", "x");
  ASSERT_EQ(error.details.size(), 2u);
  EXPECT_EQ(error.details[0].key, "applied");
  EXPECT_EQ(error.details[0].value, "9007199254740991");
  EXPECT_EQ(error.row().name, "BEHIND");
}

TEST(Fault, NamesAreUniqueAndNoneIsLeftOut) {
  std::set<std::string_view> names;
  std::set<Fault> faults;
  for (const auto& row : kFaultNames) {
    EXPECT_TRUE(names.insert(row.name).second);
    EXPECT_TRUE(faults.insert(row.fault).second);
  }
  EXPECT_EQ(faults.size(), static_cast<size_t>(Fault::kResumeUnchecked));
}

#if AERODB_FAULTS
TEST(Fault, OneIsPlantedAtATime) {
  plant(Fault::kGapAccepted);
  EXPECT_TRUE(planted(Fault::kGapAccepted));
  plant(Fault::kEarlyAcknowledgement);
  EXPECT_FALSE(planted(Fault::kGapAccepted));
  plant(Fault::kNone);
  EXPECT_FALSE(planted(Fault::kEarlyAcknowledgement));
}
#endif

}  // namespace
}  // namespace aerodb
