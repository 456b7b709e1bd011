#include "common/engine/backup_format.h"

#include <fmt/format.h>

#include "common/base/checksum.h"

namespace aerodb::engine {
namespace {

constexpr std::string_view kInfoTitle = "aerodb backup ";
constexpr std::string_view kListTitle = "aerodb backup list ";

std::unexpected<Error> damaged(std::string what) { return fail(ErrorCode::kBackupDamaged, std::move(what)); }

// Lines of "KEY VALUE", taken from the front.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}
  [[nodiscard]] bool at_end() const { return text_.empty(); }
  [[nodiscard]] std::string_view rest() const { return text_; }
  // Without its end; all that is left where it has none.
  std::string_view next() {
    const size_t end = text_.find('\n');
    std::string_view line = text_.substr(0, end);
    text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
    return line;
  }
  // The value of the next line if its key is this one; empty otherwise.
  std::string_view value(std::string_view key) {
    std::string_view line = next();
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ' ') return {};
    return line.substr(key.size() + 1);
  }

 private:
  std::string_view text_;
};

// 0 where it is no number: what was read is written again and compared.
uint64_t number_of(std::string_view text) {
  const uint64_t number = from_decimal(text).value_or(0);
  return number <= kMaxNumber ? number : 0;
}
template <class Id>
Id id_of(std::string_view text) {
  return id_from_hex<Id>(text).value_or(Id{});
}

Result<void> check_title(std::string_view member, std::string_view title, std::string_view line) {
  if (!line.starts_with(title)) return damaged(fmt::format("{}: it does not begin with \"{}\"", member, title));
  const uint64_t format = number_of(line.substr(title.size()));
  if (format > kBackupFormat) {
    return fail(ErrorCode::kNewerFormat,
                fmt::format("{}: format {}, this binary reads {}", member, format, kBackupFormat));
  }
  return {};
}

bool is_plain(std::string_view name) {
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  return !name.empty();
}

// Of LIST: the checksum of the text before it.
std::string closing_line(std::string_view text) {
  return fmt::format("{} {}\n", to_hex(sha256(as_bytes(text))), kListMember);
}

std::string list_text(const std::vector<ListEntry>& entries) {
  std::string text = fmt::format("{}{}\n", kListTitle, kBackupFormat);
  for (const auto& entry : entries)
    fmt::format_to(std::back_inserter(text), "{} {} {}\n", to_hex(entry.sha256), entry.bytes, entry.name);
  return text;
}

}  // namespace

std::string log_member(uint64_t number) { return fmt::format("log/{:08}", number); }
std::string run_member(store::RunNumber number) { return "runs/" + store::run_name(number); }

std::string encode_backup_info(const BackupInfo& info) {
  return fmt::format(
      "{}{}\ncluster {}\nnode {}\ninstance {}\nmanifest_lsn {}\nmanifest_commit {}\nend_lsn {}\nend_commit {}\n"
      "end_epoch {}\nend_lineage {}\nend_chain {}\n",
      kInfoTitle, kBackupFormat, to_hex(info.cluster), info.node, to_hex(info.instance), info.manifest_lsn.value(),
      info.manifest_commit.value(), info.end_lsn.value(), info.end_commit.value(), info.end_epoch.value(),
      to_hex(info.end_lineage), to_hex(info.end_chain));
}

Result<BackupInfo> decode_backup_info(std::string_view text) {
  Lines lines(text);
  if (auto title = check_title(kBackupMember, kInfoTitle, lines.next()); !title) return fail(std::move(title.error()));
  BackupInfo info;
  info.cluster = id_of<ClusterId>(lines.value("cluster"));
  info.node = lines.value("node");
  info.instance = id_of<InstanceId>(lines.value("instance"));
  info.manifest_lsn = Lsn(number_of(lines.value("manifest_lsn")));
  info.manifest_commit = CommitId(number_of(lines.value("manifest_commit")));
  info.end_lsn = Lsn(number_of(lines.value("end_lsn")));
  info.end_commit = CommitId(number_of(lines.value("end_commit")));
  info.end_epoch = Epoch(number_of(lines.value("end_epoch")));
  info.end_lineage = id_of<LineageId>(lines.value("end_lineage"));
  info.end_chain = id_of<Chain>(lines.value("end_chain"));
  if (!is_plain(info.node) || encode_backup_info(info) != text)
    return damaged(fmt::format("{}: it is not the text that a backup has there", kBackupMember));
  if (info.end_lsn == Lsn() || info.manifest_lsn > info.end_lsn || info.manifest_commit > info.end_commit)
    return damaged(fmt::format("{}: its positions contradict one another", kBackupMember));
  return info;
}

std::string encode_list(const std::vector<ListEntry>& entries) {
  const std::string text = list_text(entries);
  return text + closing_line(text);
}

Result<std::vector<ListEntry>> decode_list(std::string_view text) {
  // Its own checksum first: whatever else is wrong with it may then be believed.
  const size_t last = text.size() < 2 ? 0 : text.rfind('\n', text.size() - 2) + 1;
  if (text.substr(last) != closing_line(text.substr(0, last)))
    return damaged(fmt::format("{}: its own checksum does not hold", kListMember));
  Lines lines(text.substr(0, last));
  if (auto title = check_title(kListMember, kListTitle, lines.next()); !title) return fail(std::move(title.error()));
  std::vector<ListEntry> entries;
  while (!lines.at_end()) {
    const std::string_view line = lines.next();
    const size_t first = line.find(' ');
    const size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
    if (second == std::string_view::npos || entries.size() >= kMaxMembers)
      return damaged(fmt::format("{}: entry {} does not parse", kListMember, entries.size() + 1));
    ListEntry entry;
    const auto hash = from_hex(line.substr(0, first));
    if (hash && hash->size() == entry.sha256.size()) std::copy(hash->begin(), hash->end(), entry.sha256.begin());
    entry.bytes = number_of(line.substr(first + 1, second - first - 1));
    entry.name = line.substr(second + 1);
    entries.push_back(std::move(entry));
  }
  if (encode_list(entries) != text)
    return damaged(fmt::format("{}: it is not the text that a backup has there", kListMember));
  return entries;
}

Result<void> Continuity::take(const wal::RecordView& record) {
  const auto& header = record.header;
  auto broken = [&](std::string_view what, const std::string& expected, const std::string& found) {
    return fail(ErrorCode::kWalDiscontinuity,
                fmt::format("LSN {}: {}: expected {}, found {}", header.lsn.value(), what, expected, found));
  };
  if (header.lsn != lsn_.next())
    return broken("its place", std::to_string(lsn_.value() + 1), std::to_string(header.lsn.value()));
  const CommitId commit = header.type == wal::RecordType::kCommit ? commit_.next() : commit_;
  if (header.commit != commit)
    return broken("commit id", std::to_string(commit.value()), std::to_string(header.commit.value()));
  Chain before = chain_;
  if (lsn_ == Lsn()) {
    auto payload = wal::parse_payload(record);
    const auto* start = payload ? std::get_if<wal::LineageStart>(&*payload) : nullptr;
    if (start == nullptr) return fail(ErrorCode::kWalDiscontinuity, "LSN 1 is not a lineage_start");
    before = wal::genesis_chain(cluster_, start->lineage);
  }
  if (header.chain_before != before) return broken("chain before it", to_hex(before), to_hex(header.chain_before));
  lsn_ = header.lsn;
  commit_ = header.commit;
  chain_ = record.chain_after();
  return {};
}

}  // namespace aerodb::engine
