#include <gtest/gtest.h>

#include "controlplane/console/data/data_options.h"

namespace aerodb::console {
namespace {

TEST(ReceiptFile, HoldsWhatTheNodeAnswered) {
  const wire::Receipt receipt{*id_from_hex<LineageId>("000102030405060708090a0b0c0d0e0f"), Epoch(2), CommitId(9),
                              Lsn(11), *id_from_hex<Chain>("ffeeddccbbaa99887766554433221100")};
  auto read = receipt_from_json(json_of(receipt));
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(json_of(*read), json_of(receipt));
}

TEST(ReceiptFile, RefusesWhatIsNoReceipt) {
  const std::string good = R"({"lineage":"000102030405060708090a0b0c0d0e0f","epoch":1,"commit_id":2,"lsn":3,)"
                           R"("chain":"000102030405060708090a0b0c0d0e0f"})";
  ASSERT_TRUE(receipt_from_json(good).has_value());
  auto with = [&good](const std::string& from, const std::string& to) {
    auto text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  for (const auto& bad : {std::string(), std::string("[]"), std::string("{}"), with("\"lsn\":3", "\"lsn\":-3"),
                          with("\"lsn\":3", "\"lsn\":9007199254740992"), with("\"lsn\":3", "\"lsn\":\"3\""),
                          with("00010203", "0001020"), with("\"epoch\":1,", "")}) {
    EXPECT_FALSE(receipt_from_json(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace aerodb::console
