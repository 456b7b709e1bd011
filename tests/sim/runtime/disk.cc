#include "tests/sim/runtime/disk.h"

#include <fmt/format.h>

#include <algorithm>

namespace aerodb::sim {
namespace {

std::unexpected<Error> refuse(std::string_view call, std::string_view path, std::string_view why) {
  return fail(ErrorCode::kIo, fmt::format("{} {}: {}", call, path, why));
}

// The next component of a path, removed from its front; empty at the end.
std::string_view next_part(std::string_view& path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  std::string_view part = path.substr(0, path.find('/'));
  path.remove_prefix(part.size());
  return part == "." ? next_part(path) : part;
}

void collect(const SimNode& directory, const std::string& prefix, std::vector<std::string>& out) {
  for (const auto& [name, child] : directory.children) {
    std::string path = prefix + "/" + name;
    out.push_back(child->is_directory ? path + "/" : path);
    if (child->is_directory) collect(*child, path, out);
  }
}

bool contains(const SimNode& directory, const SimNode& wanted) {
  return &directory == &wanted ||
         std::ranges::any_of(directory.children, [&](const auto& entry) { return contains(*entry.second, wanted); });
}

void release_below(SimNode& directory, Owner owner) {
  if (directory.lock_owner == owner) directory.lock_owner = kWorld;
  for (const auto& [name, child] : directory.children) {
    if (child->is_directory) release_below(*child, owner);
  }
}

}  // namespace

SimDisk::SimDisk(SimWorld& world) : world_(world), root_(std::make_shared<SimNode>()) { root_->is_directory = true; }

void SimDisk::wipe() {
  root_ = std::make_shared<SimNode>();
  root_->is_directory = true;
  changes_.clear();
  unsynced_.clear();
  full_ = false;
}

NodePointer SimDisk::find(std::string_view path) const {
  NodePointer node = root_;
  for (auto part = next_part(path); !part.empty(); part = next_part(path)) {
    auto child = node->children.find(part);
    if (child == node->children.end()) return nullptr;
    node = child->second;
  }
  return node;
}

Result<SimDisk::Place> SimDisk::place(std::string_view call, const std::string& path) const {
  std::string_view trimmed = path;
  while (trimmed.ends_with('/')) trimmed.remove_suffix(1);
  const size_t slash = trimmed.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? trimmed : trimmed.substr(slash + 1);
  if (name.empty() || name == "." || name == "..") return refuse(call, path, "not a usable name");
  NodePointer parent = find(slash == std::string_view::npos ? std::string_view() : trimmed.substr(0, slash));
  if (!parent || !parent->is_directory) return refuse(call, path, "no such directory");
  return Place{std::move(parent), std::string(name)};
}

void SimDisk::set_child(const NodePointer& directory, const std::string& name, NodePointer child) {
  if (child) {
    directory->children[name] = std::move(child);
  } else {
    directory->children.erase(name);
  }
}

Result<NodePointer> SimDisk::open(const std::string& path, runtime::OpenMode mode) {
  auto at = place("open", path);
  if (!at) return fail(std::move(at.error()));
  const bool may_create = mode == runtime::OpenMode::kCreate || mode == runtime::OpenMode::kAppend;
  if (auto child = at->parent->children.find(at->name); child != at->parent->children.end()) {
    if (child->second->is_directory) return refuse("open", path, "is a directory");
    if (mode == runtime::OpenMode::kCreate) return refuse("open", path, "exists already");
    return child->second;
  }
  if (!may_create) return refuse("open", path, "no such file");
  if (no_space()) return refuse("open", path, "no space left on device");
  auto node = std::make_shared<SimNode>();
  set_child(at->parent, at->name, node);
  changes_.push_back({at->parent, at->name, nullptr, nullptr, {}, nullptr});
  return node;
}

Result<void> SimDisk::make_directory(const std::string& path) {
  NodePointer directory = root_;
  std::string_view rest = path;
  for (auto part = next_part(rest); !part.empty(); part = next_part(rest)) {
    if (part == "..") return refuse("mkdir", path, "not a usable name");
    const std::string name(part);
    auto child = directory->children.find(name);
    if (child == directory->children.end()) {
      if (no_space()) return refuse("mkdir", path, "no space left on device");
      auto node = std::make_shared<SimNode>();
      node->is_directory = true;
      changes_.push_back({directory, name, nullptr, nullptr, {}, nullptr});
      child = directory->children.emplace(name, std::move(node)).first;
    }
    if (!child->second->is_directory) return refuse("mkdir", path, "a file is in the way");
    directory = child->second;
  }
  return {};
}

Result<void> SimDisk::sync_directory(const std::string& path) {
  NodePointer directory = find(path);
  if (!directory || !directory->is_directory) return refuse("sync", path, "no such directory");
  if (hit(FaultKind::kSyncFailed)) return refuse("sync", path, "input/output error");
  // A rename makes the older changes of both its directories durable, or undoing those would tear it apart.
  std::vector<NodePointer> durable = {directory};
  auto is_durable = [&](const NodePointer& node) { return std::ranges::find(durable, node) != durable.end(); };
  for (size_t i = changes_.size(); i-- > 0;) {
    const Change& change = changes_[i];
    if (!is_durable(change.directory) && !(change.other_directory && is_durable(change.other_directory))) continue;
    if (!is_durable(change.directory)) durable.push_back(change.directory);
    if (change.other_directory && !is_durable(change.other_directory)) durable.push_back(change.other_directory);
    changes_.erase(changes_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return {};
}

Result<void> SimDisk::rename(const std::string& from, const std::string& to) {
  auto source = place("rename", from);
  if (!source) return fail(std::move(source.error()));
  auto target = place("rename", to);
  if (!target) return fail(std::move(target.error()));
  auto moved = source->parent->children.find(source->name);
  if (moved == source->parent->children.end()) return refuse("rename", from, "no such file");
  NodePointer node = moved->second;
  if (contains(*node, *target->parent)) return refuse("rename", to, "is inside the directory renamed");
  NodePointer replaced;
  if (auto child = target->parent->children.find(target->name); child != target->parent->children.end()) {
    replaced = child->second;
    if (replaced == node) return {};
    if (replaced->is_directory != node->is_directory || !replaced->children.empty()) {
      return refuse("rename", to, "is in the way");
    }
  }
  changes_.push_back({target->parent, target->name, replaced, source->parent, source->name, node});
  set_child(source->parent, source->name, nullptr);
  set_child(target->parent, target->name, node);
  return {};
}

Result<void> SimDisk::remove(const std::string& path) {
  auto at = place("remove", path);
  if (!at) return fail(std::move(at.error()));
  auto child = at->parent->children.find(at->name);
  if (child == at->parent->children.end()) return refuse("remove", path, "no such file");
  if (!child->second->children.empty()) return refuse("remove", path, "directory not empty");
  changes_.push_back({at->parent, at->name, child->second, nullptr, {}, nullptr});
  set_child(at->parent, at->name, nullptr);
  return {};
}

Result<void> SimDisk::link(const std::string& existing, const std::string& made) {
  NodePointer node = find(existing);
  if (!node || node->is_directory) return refuse("link", existing, "no such file");
  auto at = place("link", made);
  if (!at) return fail(std::move(at.error()));
  if (at->parent->children.contains(at->name)) return refuse("link", made, "exists already");
  if (no_space()) return refuse("link", made, "no space left on device");
  changes_.push_back({at->parent, at->name, nullptr, nullptr, {}, nullptr});
  set_child(at->parent, at->name, std::move(node));
  return {};
}

Result<std::vector<std::string>> SimDisk::list(const std::string& path) const {
  NodePointer directory = find(path);
  if (!directory || !directory->is_directory) return refuse("list", path, "no such directory");
  std::vector<std::string> names;
  for (const auto& [name, child] : directory->children) names.push_back(name);
  return names;
}

bool SimDisk::locked(const std::string& directory) const {
  const auto node = find(directory);
  return node != nullptr && node->lock_owner != kWorld;
}

Result<NodePointer> SimDisk::lock(const std::string& directory, Owner owner) {
  NodePointer node = find(directory);
  if (!node || !node->is_directory) return refuse("lock", directory, "no such directory");
  if (node->lock_owner != kWorld) {
    return fail(ErrorCode::kLocked, fmt::format("lock {}: another process holds it", directory));
  }
  auto file = open(directory + "/LOCK", runtime::OpenMode::kAppend);
  if (!file) return fail(std::move(file.error()));
  node->lock_owner = owner;
  return node;
}

Result<size_t> SimDisk::read(const SimNode& node, uint64_t offset, std::span<uint8_t> out) {
  if (hit(FaultKind::kReadError)) return fail(ErrorCode::kIo, "read: input/output error");
  const size_t count = node.content.read(offset, out);
  if (count > 0 && hit(FaultKind::kBitFlip)) {
    out[world_.random().below(count)] ^= static_cast<uint8_t>(1u << world_.random().below(8));
  }
  return count;
}

Result<void> SimDisk::write(const NodePointer& node, uint64_t offset, ByteSpan data) {
  if (hit(FaultKind::kWriteError)) return fail(ErrorCode::kIo, "write: input/output error");
  if (offset + data.size() > node->content.size() && no_space()) {
    return fail(ErrorCode::kIo, "write: no space left on device");
  }
  risk(node);
  if (!data.empty() && hit(FaultKind::kShortWrite)) {
    const size_t part = world_.random().below(data.size());
    node->content.write(offset, data.first(part));
    return fail(ErrorCode::kIo, fmt::format("write: {} of {} bytes written", part, data.size()));
  }
  node->content.write(offset, data);
  return {};
}

Result<void> SimDisk::sync(const NodePointer& node) {
  if (hit(FaultKind::kSyncFailed)) {
    node->content.fail_sync();
    return fail(ErrorCode::kIo, "sync: input/output error");
  }
  node->content.sync();
  return {};
}

Result<void> SimDisk::fill_zero(const NodePointer& node, uint64_t size_bytes) {
  if (hit(FaultKind::kWriteError)) return fail(ErrorCode::kIo, "fill: input/output error");
  if (size_bytes > node->content.size() && no_space()) return fail(ErrorCode::kIo, "fill: no space left on device");
  risk(node);
  node->content.fill_zero(size_bytes);
  return {};
}

void SimDisk::risk(const NodePointer& node) {
  if (std::ranges::find(unsynced_, node) != unsynced_.end()) return;
  // The list stays as short as the files written at one time.
  if (unsynced_.size() >= 16)
    std::erase_if(unsynced_, [](const NodePointer& file) { return !file->content.at_risk(); });
  unsynced_.push_back(node);
}

void SimDisk::release_locks(Owner owner) { release_below(*root_, owner); }

void SimDisk::cut_write(const NodePointer& node, uint64_t offset, ByteSpan data) {
  if (world_.random().one_in(2)) return;
  // The system copies page by page; a signal ends it between two of them.
  const uint64_t pages = (offset + data.size()) / kPageBytes - offset / kPageBytes + 1;
  const uint64_t end = (offset / kPageBytes + world_.random().below(pages + 1)) * kPageBytes;
  if (end <= offset) return;
  world_.count(FaultKind::kWriteCut);
  risk(node);
  node->content.write(offset, data.first(std::min<uint64_t>(end - offset, data.size())));
}

void SimDisk::power_loss() {
  lose_changes();
  for (const NodePointer& node : unsynced_) {
    if (node->content.at_risk()) lose_content(*node);
  }
  unsynced_.clear();
}

void SimDisk::lose_changes() {
  std::vector<NodePointer> settled;  // directories whose remaining, older changes are kept
  auto is_settled = [&](const NodePointer& node) { return std::ranges::find(settled, node) != settled.end(); };
  for (size_t i = changes_.size(); i-- > 0;) {
    const Change& change = changes_[i];
    const bool kept = is_settled(change.directory) || (change.other_directory && is_settled(change.other_directory)) ||
                      world_.random().one_in(2);
    if (kept) {
      if (!is_settled(change.directory)) settled.push_back(change.directory);
      if (change.other_directory && !is_settled(change.other_directory)) settled.push_back(change.other_directory);
      continue;
    }
    world_.count(FaultKind::kDirectoryChangeLost);
    set_child(change.directory, change.name, change.before);
    if (change.other_directory) set_child(change.other_directory, change.other_name, change.other_before);
  }
  changes_.clear();
}

void SimDisk::lose_content(SimNode& node) {
  const auto& weights = world_.options().power_weights;
  uint64_t total = 0;
  for (uint32_t weight : weights) total += weight;
  uint64_t roll = world_.random().below(std::max<uint64_t>(total, 1));
  size_t fate = 0;
  while (fate + 1 < weights.size() && roll >= weights[fate]) roll -= weights[fate++];
  world_.count(static_cast<FaultKind>(static_cast<size_t>(FaultKind::kPowerAllKept) + fate));
  const uint32_t sector_bytes = world_.options().sector_bytes;
  auto loss = node.content.lose(static_cast<PowerFate>(fate), sector_bytes, world_.random());
  if (loss.torn) world_.count(sector_bytes == kSectorBytes ? FaultKind::kTorn512 : FaultKind::kTorn4096);
  if (loss.reordered) world_.count(FaultKind::kReordered);
  for (uint64_t i = 0; i < loss.sectors; ++i) world_.count(FaultKind::kSectorLost);
  if (loss.size) world_.count(FaultKind::kSizeLost);
}

std::optional<Bytes> SimDisk::peek(const std::string& path) const {
  NodePointer node = find(path);
  if (!node || node->is_directory) return std::nullopt;
  Bytes content(node->content.size());
  content.resize(node->content.read(0, content));
  return content;
}

std::vector<std::string> SimDisk::tree() const {
  std::vector<std::string> paths;
  collect(*root_, "", paths);
  return paths;
}

bool SimDisk::damage(const std::string& path, uint64_t offset, uint8_t mask) {
  NodePointer node = find(path);
  if (!node || node->is_directory || offset >= node->content.size()) return false;
  node->content.damage(offset, mask);
  return true;
}

bool SimDisk::at_risk() const {
  return !changes_.empty() ||
         std::ranges::any_of(unsynced_, [](const NodePointer& node) { return node->content.at_risk(); });
}

}  // namespace aerodb::sim
