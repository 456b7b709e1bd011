// How fast a directory at rest is explained, beside reading the bytes of its log one after the other. A log of 256 MiB
// in a directory of its own below $TMPDIR (/tmp without it), read from the page cache and, where it can be dropped,
// anew.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "common/base/assert.h"
#include "common/engine/inspect.h"
#include "common/store/digest.h"
#include "common/uv/posix_disk.h"
#include "common/wal/append_at_rest.h"
#include "explainer/offline.h"
#include "tests/bench/sample.h"

namespace aerodb::bench {
namespace {

constexpr wal::RingGeometry kRing{6, 64ull << 20};
constexpr uint64_t kLogBytes = 256ull << 20;
constexpr uint64_t kRecordBytes = 1 << 20;

class Counting final : public runtime::Random {
 public:
  uint64_t next() override { return ++count_; }

 private:
  uint64_t count_ = 0;
};

template <class T>
T sure(Result<T> result) {
  if (!result) fmt::print(stderr, "recovery_bench: {}\n", result.error().message);
  AERODB_ASSERT(result.has_value());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// A primary's directory with a full log behind it, gone with the process.
class Directory {
 public:
  explicit Directory(size_t document_bytes) {
    const char* below = std::getenv("TMPDIR");
    std::string path = fmt::format("{}/aerodb-recovery-bench-XXXXXX", below == nullptr ? "/tmp" : below);
    AERODB_ASSERT(mkdtemp(path.data()) != nullptr);
    path_ = path;
    fill(document_bytes);
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  [[nodiscard]] std::string data_dir() const { return path_ + "/d"; }
  [[nodiscard]] uint64_t log_bytes() const { return log_bytes_; }
  [[nodiscard]] runtime::Disk& disk() { return disk_; }

 private:
  void fill(size_t document_bytes);

  std::string path_;
  uv::PlainPosixDisk disk_;
  uint64_t log_bytes_ = 0;
};

// Appends records to a log that no process has open, each as the digest and the chain ask for.
class Appender {
 public:
  Appender(runtime::Disk& disk, const std::string& data_dir) : disk_(disk), data_dir_(data_dir) {
    engine::OpenOptions options;
    options.data_dir = data_dir;
    options.geometry = kRing;
    opened_ = sure(engine::read_directory(disk, options));
    sure(engine::inspect_log(disk, options, {engine::Trust::kOwnLog, nullptr}, *opened_));
    at_ = opened_->state.position();
    end_ = opened_->scan.end;
  }
  void append(const wal::Payload& payload, bool commit, Digest after) {
    at_.digest = after;
    record_.clear();
    wal::RecordHeader header;
    header.type = wal::type_of(payload);
    header.epoch = at_.epoch;
    header.lsn = at_.lsn.next();
    header.commit = commit ? at_.commit.next() : at_.commit;
    header.chain_before = at_.chain;
    header.digest_after = after;
    wal::encode_record(header, payload, record_);
    end_ = sure(wal::append_at_rest(disk_, random_, data_dir_, opened_->node.cluster, opened_->node.instance,
                                    wal::Ring(kRing, end_.cursor, 0), end_, record_));
    at_.lsn = header.lsn;
    at_.commit = header.commit;
    at_.chain = wal::chain_over(record_);
  }
  [[nodiscard]] const engine::Position& position() const { return at_; }
  [[nodiscard]] uint64_t bytes() const {
    return (end_.cursor.segment_sequence - 1) * kRing.segment_bytes + end_.cursor.offset;
  }

 private:
  runtime::Disk& disk_;
  std::string data_dir_;
  std::unique_ptr<engine::OpenedNode> opened_;
  engine::Position at_;
  wal::LogEnd end_;
  Counting random_;
  Bytes record_;
};

void Directory::fill(size_t document_bytes) {
  Counting random;
  engine::InitOptions options;
  options.data_dir = data_dir();
  options.name = std::string("a");
  options.geometry = kRing;
  options.primary = true;
  sure(engine::init_directory(disk_, random, options));
  Appender log(disk_, data_dir());
  Bytes schema;
  document::encode_schema(sample_schema(), schema);
  log.append(wal::SchemaRecord{schema}, false, digest_add(log.position().digest, store::schema_term(schema)));
  uint64_t number = 0;
  while (log.bytes() < kLogBytes) {
    std::vector<std::string> ids;
    std::vector<Bytes> documents;
    for (uint64_t bytes = 0; bytes < kRecordBytes; bytes += documents.back().size()) {
      // Scattered, so that neighbours in time are none in a tree.
      const uint64_t scattered = number++ * 0x9e3779b97f4a7c15 >> 24;
      ids.push_back(sample_id(scattered));
      documents.push_back(sample_canonical(scattered, document_bytes));
    }
    wal::Commit commit;
    Digest digest = log.position().digest;
    for (size_t i = 0; i < ids.size(); ++i) {
      commit.operations.push_back(
          {wal::Operation::kInsert, sample_schema().collection, ids[i], sample_schema().version, {}, documents[i]});
      digest = digest_add(digest, store::document_term(sample_schema().collection, ids[i], log.position().commit.next(),
                                                       sample_schema().version, documents[i]));
    }
    log.append(commit, true, digest);
  }
  log_bytes_ = log.bytes();
}

Directory& directory_of(size_t document_bytes) {
  static std::map<size_t, std::unique_ptr<Directory>> made;
  auto& directory = made[document_bytes];
  if (!directory) directory = std::make_unique<Directory>(document_bytes);
  return *directory;
}

// From the page cache, or (second argument) from the disk.
Directory& prepared(benchmark::State& state) {
  auto& directory = directory_of(static_cast<size_t>(state.range(0)));
  if (state.range(1) == 0) return directory;
  state.PauseTiming();
  for (const auto& path : wal::segment_paths(directory.data_dir(), kRing.slots)) {
    auto file = sure(directory.disk().open(path, runtime::OpenMode::kRead));
    file->leave_cache(0, kRing.segment_bytes);
  }
  state.ResumeTiming();
  return directory;
}

template <class Work>
void over_the_log(benchmark::State& state, Work work) {
  uint64_t bytes = 0;
  directory_of(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    auto& directory = prepared(state);
    work(directory);
    bytes += directory.log_bytes();
  }
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}

// The limit: every segment that holds records, a MiB at a time.
void log_read_plainly(benchmark::State& state) {
  over_the_log(state, [](Directory& directory) {
    Bytes piece(1 << 20);
    uint64_t left = directory.log_bytes();
    for (const auto& path : wal::segment_paths(directory.data_dir(), kRing.slots)) {
      auto file = sure(directory.disk().open(path, runtime::OpenMode::kRead));
      for (uint64_t at = 0; at < kRing.segment_bytes && left > 0; at += piece.size()) {
        sure(file->read(at, piece));
        left -= std::min<uint64_t>(left, piece.size());
      }
    }
  });
}

// Frames, checksums, records, chain: the walk without the state.
void log_walked(benchmark::State& state) {
  over_the_log(state, [](Directory& directory) {
    engine::OpenOptions options;
    options.data_dir = directory.data_dir();
    options.geometry = kRing;
    auto opened = sure(engine::read_directory(directory.disk(), options));
    sure(engine::inspect_log(directory.disk(), options, {}, *opened));
  });
}

void recovery_explained(benchmark::State& state) {
  over_the_log(state, [](Directory& directory) {
    auto explanation = sure(explainer::explain_directory(directory.disk(), directory.data_dir(), "recovery"));
    benchmark::DoNotOptimize(explanation.json);
  });
}

void arguments(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"document", "disk"})->Unit(benchmark::kMillisecond)->UseRealTime();
  for (const int64_t document : {200, 1'000, 10'000, 100'000}) {
    for (const int64_t disk : {0, 1}) bench->Args({document, disk});
  }
}
BENCHMARK(log_read_plainly)->Apply(arguments);
BENCHMARK(log_walked)->Apply(arguments);
BENCHMARK(recovery_explained)->Apply(arguments);

}  // namespace
}  // namespace aerodb::bench
