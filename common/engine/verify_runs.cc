#include "common/engine/verify_runs.h"

#include <fmt/format.h>

#include "common/document/canonical.h"
#include "common/store/digest.h"
#include "common/store/file_hash.h"
#include "common/store/merge.h"

namespace aerodb::engine {
namespace {

using Runs = std::vector<std::shared_ptr<const store::Run>>;

void tell(const VerifyOptions& options, Checked checked) {
  if (options.checked) options.checked(checked);
}

std::string object_of(const store::RunInfo& run) { return "runs/" + store::run_name(run.number); }

// All versions of all runs in order: each document under its schema; the newest ones add up to the manifest's digest.
class Documents {
 public:
  Documents(const State& state, const store::Manifest& manifest) : state_(state), manifest_(manifest) {}

  Result<void> check(runtime::Disk& disk, const Runs& runs) {
    std::vector<std::unique_ptr<store::VersionSource>> sources;
    for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
      auto file = disk.open((*run)->path(), runtime::OpenMode::kRead);
      if (!file) return fail(std::move(file.error()));
      sources.push_back(store::versions_of(*run, std::move(*file)));
    }
    // Nothing lies at or below floor 0, so that nothing is passed over.
    auto versions = store::merge_versions(std::move(sources), {CommitId(0), false});
    while (true) {
      auto version = versions->next();
      if (!version) return fail(std::move(version.error()));
      if (!*version) break;
      if (auto taken = take(**version); !taken) return taken;
    }
    return check_totals();
  }
  [[nodiscard]] uint64_t live() const { return live_; }

 private:
  Result<void> take(const store::RunVersion& version) {
    const bool newest = version.collection != collection_ || version.id != id_;
    if (newest) {
      collection_ = version.collection;
      id_ = version.id;
    }
    if (version.schema_version == 0) return {};
    if (auto fits = check_document(version); !fits) return fits;
    if (!newest) return {};
    live_ += 1;
    digest_ = digest_add(digest_, store::document_term(version.collection, version.id, version.commit,
                                                       version.schema_version, version.document));
    return {};
  }

  [[nodiscard]] Result<void> check_document(const store::RunVersion& version) const {
    auto bad = [&](std::string_view why) {
      return fail(ErrorCode::kBadRecord,
                  fmt::format("{}/{} at commit {}: {}", version.collection, version.id, version.commit.value(), why));
    };
    const auto* schema = state_.schema(version.collection, version.schema_version, manifest_.lsn);
    if (schema == nullptr) return bad(fmt::format("there is no schema version {}", version.schema_version));
    auto canonical = document::check_canonical(version.document, schema->schema, document::kLargestMaxDocumentBytes);
    if (!canonical) return bad(canonical.error().message);
    if (document::document_id(version.document) != version.id) return bad("the document has another _id");
    return {};
  }

  [[nodiscard]] Result<void> check_totals() const {
    Digest digest = digest_;
    for (const auto& schema : manifest_.schemas) digest = digest_add(digest, store::schema_term(schema.canonical));
    if (digest != manifest_.digest) {
      return fail(Error{ErrorCode::kDigestMismatch,
                        fmt::format("the documents and schemas at LSN {} do not give the manifest's digest (REC-6)",
                                    manifest_.lsn.value()),
                        {}}
                      .with("expected", to_hex(manifest_.digest))
                      .with("found", to_hex(digest)));
    }
    if (live_ != manifest_.live_documents) {
      return fail(ErrorCode::kManifestDamaged,
                  fmt::format("it counts {} live documents, the runs hold {}", manifest_.live_documents, live_));
    }
    return {};
  }

  const State& state_;
  const store::Manifest& manifest_;
  std::string collection_;  // of the version before
  std::string id_;
  Digest digest_;
  uint64_t live_ = 0;
};

Result<void> check_run(runtime::Disk& disk, const store::Run& run, bool hashed, const store::IndexedPaths& indexes,
                       const VerifyOptions& options) {
  const auto& info = run.info();
  if (options.level == VerifyLevel::kReplay) {
    if (auto whole = store::verify_run(disk, run.path(), info, indexes); !whole) return whole;
    tell(options, {object_of(info), "content", info.bytes, info.versions});
    return {};
  }
  if (hashed) return {};
  auto hash = store::sha256_of_file(disk, run.path());
  if (!hash) return fail(std::move(hash.error()));
  if (*hash != info.sha256) {
    return fail(
        Error{ErrorCode::kRunDamaged, fmt::format("verify {}: its SHA-256 is not the manifest's", run.path()), {}}
            .with("expected", to_hex(info.sha256))
            .with("found", to_hex(*hash)));
  }
  tell(options, {object_of(info), "sha256", info.bytes, info.versions});
  return {};
}

}  // namespace

Result<std::unique_ptr<State>> verify_runs(runtime::Disk& disk, const std::string& root, const ClusterId& cluster,
                                           const store::Manifest& manifest, bool hashed, const VerifyOptions& options) {
  auto state = std::make_unique<State>(cluster);
  if (manifest.number == 0) return state;
  Runs runs;
  uint64_t total = 0;
  for (const auto& info : manifest.runs) {
    auto run = store::Run::open(disk, store::run_path(root, info.number), info);
    if (!run) return fail(std::move(run.error()));
    tell(options, {object_of(info), "footer", info.bytes, info.versions});
    total += info.bytes;
    runs.push_back(std::move(*run));
  }
  if (auto loaded = state->load(manifest, runs); !loaded) return fail(std::move(loaded.error()));
  const auto indexes = state->indexes();
  uint64_t done = 0;
  for (const auto& run : runs) {
    if (auto checked = check_run(disk, *run, hashed, indexes, options); !checked)
      return fail(std::move(checked.error()));
    done += run->info().bytes;
    if (options.progress) options.progress(done, total);
  }
  if (options.level != VerifyLevel::kReplay) return state;
  Documents documents(*state, manifest);
  if (auto checked = documents.check(disk, runs); !checked) return fail(std::move(checked.error()));
  tell(options, {std::string(store::kManifestName), "documents and digest", total, documents.live()});
  return state;
}

}  // namespace aerodb::engine
