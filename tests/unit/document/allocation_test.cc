// Counts allocations of this program, to hold the hot paths to their promise that they make none.
#include <cstdlib>
#include <new>

#include "common/document/packed.h"
#include "tests/unit/document/support.h"

namespace {
size_t allocations = 0;
}

void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t /*size*/) noexcept { std::free(memory); }

namespace aerodb::document {
namespace {

using testing::canonical;
using testing::from_json_text;
using testing::schema_of;

class Allocations : public ::testing::Test {
 protected:
  Schema schema_ = schema_of(R"({"collection": "c", "version": 1, "fields": {
      "_id": {"type": "string", "required": true},
      "address": {"type": "object", "fields": {"city": {"type": "string", "indexed": true}}},
      "tags": {"type": "array", "element": {"type": "string"}},
      "size": {"type": "float", "indexed": true}}})");
  Bytes packed_ = from_json_text(
      R"({"size": 1.5, "_id": "0123456789", "tags": ["a", "b"],
          "address": {"city": "a city with a rather long name"}})");
};

TEST_F(Allocations, CounterWorks) {
  size_t before = allocations;
  auto something = std::make_unique<int>(1);
  EXPECT_EQ(*something, 1);
  EXPECT_EQ(allocations, before + 1);
}

TEST_F(Allocations, ParsingAgainAllocatesNothing) {
  Tape tape;
  ASSERT_TRUE(tape.parse(packed_).has_value());
  size_t before = allocations;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(tape.parse(packed_).has_value());
  EXPECT_EQ(allocations, before);
}

TEST_F(Allocations, CanonicalizingAndCheckingAllocateNothingBeyondTheBuffer) {
  Tape tape;
  ASSERT_TRUE(tape.parse(packed_).has_value());
  Bytes out;
  out.reserve(1000);
  size_t before = allocations;
  ASSERT_TRUE(canonicalize(tape.root(), schema_, kDefaultMaxDocumentBytes, out).has_value());
  ASSERT_TRUE(check_canonical(out, schema_, kDefaultMaxDocumentBytes).has_value());
  EXPECT_EQ(allocations, before);
}

TEST_F(Allocations, IndexKeysAllocateNothingBeyondTheBuffer) {
  Bytes document = *canonical(packed_, schema_);
  Bytes key;
  key.reserve(1000);
  size_t before = allocations;
  EXPECT_TRUE(index_key_of(document, "address.city", key));
  EXPECT_TRUE(index_key_of(document, "size", key));
  EXPECT_EQ(document_id(document).size(), 10u);
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace aerodb::document
