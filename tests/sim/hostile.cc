#include "tests/sim/hostile.h"

#include <iterator>
#include <utility>

namespace aerodb::sim {
namespace {

using document::PackWriter;

constexpr uint16_t kPorts[] = {kClientPort, kReplicationPort, kControlPort, kMaintenancePort};
constexpr size_t kStreamsMax = 8;

template <class Id>
Id random_id(SeededRandom& random) {
  Id id;
  for (auto& byte : id.bytes) byte = static_cast<uint8_t>(random.next());
  return id;
}

}  // namespace

// Sends what it has once it is connected, and then waits to be thrown out.
class Hostile::Stream final : public runtime::ConnectionEvents {
 public:
  Stream(SimProcess& process, const runtime::Endpoint& endpoint, Bytes bytes, bool end)
      : bytes_(std::move(bytes)), end_(end) {
    attempt_ = process.network().connect(endpoint, [this](Result<std::unique_ptr<runtime::Connection>> made) {
      if (!made) return;
      connection_ = std::move(*made);
      connection_->set_events(this);
      connection_->send(std::move(bytes_));
      if (end_) connection_->close();
    });
  }
  void on_data(ByteSpan) override {}
  void on_close(std::string_view) override {}

 private:
  Bytes bytes_;
  bool end_;
  std::unique_ptr<runtime::Network::Attempt> attempt_;
  std::unique_ptr<runtime::Connection> connection_;
};

Hostile::Hostile(Context& context, SimMachine& machine)
    : context_(context),
      random_(context.world.seed() * 7919 + 3),
      process_(std::make_unique<SimProcess>(machine, context.world, ProcessOptions{.name = machine.name()})) {}

Hostile::~Hostile() = default;

void Hostile::start() { next(); }

void Hostile::next() {
  process_->loop().after(2'000 + random_.below(12'000), [this] { step(); });
}

void Hostile::step() {
  if (context_.calm) {
    streams_.clear();
    session_.reset();
    return;
  }
  if (random_.below(4) > 0) {
    send_stream();
  } else {
    begin_session();
  }
  next();
}

// --- bytes

Bytes Hostile::make_bytes() {
  Bytes bytes;
  PackWriter out(bytes);
  auto request = [&](std::string_view method, uint64_t id = 1) {
    out.array(4);
    out.unsigned_integer(0);
    out.unsigned_integer(id);
    out.text(method);
  };
  switch (random_.below(9)) {
    case 0:  // noise
      for (uint64_t i = 0, count = 1 + random_.below(300); i < count; ++i)
        bytes.push_back(static_cast<uint8_t>(random_.next()));
      break;
    case 1:  // a request that never ends
      request("doc.insert");
      out.array(1);
      out.map(4);
      out.field("collection", collection_name(0));
      break;
    case 2:  // lengths beyond all bounds
      request("doc.write");
      out.array(1);
      for (uint8_t byte : {0xdf, 0xff, 0xff, 0xff, 0xff}) bytes.push_back(byte);
      break;
    case 3:
      request("doc.get");
      out.array(1);
      for (uint8_t byte : {0x81, 0xa1, 0x6b, 0xc6, 0xff, 0xff, 0xff, 0xff}) bytes.push_back(byte);
      break;
    case 4:  // too deep
      request("doc.query");
      bytes.insert(bytes.end(), 200, 0x91);
      break;
    case 5:  // an answer that nobody asked for
      out.array(4);
      out.unsigned_integer(1);
      out.unsigned_integer(7);
      out.nil();
      out.nil();
      break;
    case 6:  // methods that are not there, and their like
      for (std::string_view method : {"doc.drop", "", "control.promote", "wal.fetch", "replica.append", "doc.insert"}) {
        request(method, random_.below(3));
        out.array(static_cast<uint32_t>(random_.below(2)));
        if ((bytes.back() & 0x0f) == 1) out.map(0);
      }
      break;
    case 7: {  // a document that is none, and an unknown field
      request("doc.insert");
      out.array(1);
      out.map(3);
      out.field("collection", collection_name(0));
      out.field("schema_version", 1);
      out.field("surprise", true);
      break;
    }
    default:  // a huge batch of nothing
      request("doc.write");
      out.array(1);
      out.map(1);
      out.text("operations");
      out.array(5'000);
      for (int i = 0; i < 5'000; ++i) out.map(0);
      break;
  }
  if (random_.one_in(4) && bytes.size() > 1) bytes.resize(1 + random_.below(bytes.size() - 1));
  return bytes;
}

void Hostile::send_stream() {
  if (streams_.size() == kStreamsMax) streams_.erase(streams_.begin());
  context_.count(Counter::kHostileStreams);
  const auto node = random_.below(context_.nodes.size());
  const auto endpoint = endpoint_of(context_.nodes[node]->machine(), kPorts[random_.below(std::size(kPorts))]);
  const bool end = random_.one_in(2);
  streams_.push_back(std::make_unique<Stream>(*process_, endpoint, make_bytes(), end));
}

// --- sessions

void Hostile::begin_session() {
  const NodeIndex source = context_.model.epoch_owner().value_or(0);
  const NodeIndex target = static_cast<NodeIndex>(random_.below(context_.nodes.size()));
  session_ = std::make_unique<Session>();
  Session& s = *session_;
  s.prove = random_.one_in(2);
  s.source = std::make_unique<wire::Client>(*process_);
  s.target = std::make_unique<wire::Client>(*process_);
  s.target->connect(endpoint_of(context_.nodes[target]->machine(), kReplicationPort), [](Result<void>) {});
  s.source->connect(
      endpoint_of(context_.nodes[source]->machine(), kReplicationPort), [this, &s](Result<void> connected) {
        if (!connected) return;
        s.source->call(wire::kWalPosition, {}, 50, [this, &s](Result<wire::WalPositionResponse> position) {
          if (!position) return;
          s.open = {"stranger",        random_id<InstanceId>(random_),
                    position->node,    position->instance,
                    position->cluster, position->durable,
                    position->ancestry};
          if (!s.prove) {
            const uint64_t lie = random_.below(7);
            if (lie == 0) s.open.cluster = random_id<ClusterId>(random_);
            if (lie == 1) s.open.ancestry.clear();
            if (lie == 2 && !s.open.ancestry.empty()) s.open.ancestry.back().chain = random_id<Chain>(random_);
            if (lie == 3 && !s.open.ancestry.empty()) s.open.ancestry.front().lineage = random_id<LineageId>(random_);
            if (lie > 4 && !s.open.ancestry.empty()) claim_lineage(s.open);
          }
          open_session();
        });
      });
}

// That the source's lineage was ended somewhere in its log, which no chain shows.
void Hostile::claim_lineage(wire::ReplicaOpenRequest& open) {
  context_.count(Counter::kLineagesClaimed);
  wire::AncestryEntry entry = open.ancestry.back();
  entry.parent = entry.lineage;
  entry.lineage = random_id<LineageId>(random_);
  entry.epoch = entry.epoch.next();
  entry.first_lsn = Lsn(entry.first_lsn.value() + 1 + random_.below(open.source_durable.lsn.value() + 1));
  entry.chain = random_id<Chain>(random_);
  entry.instance = random_id<InstanceId>(random_);
  entry.reason = "end";
  open.ancestry.push_back(entry);
}

void Hostile::open_session() {
  Session& s = *session_;
  s.target->call(wire::kReplicaOpen, s.open, 50, [this, &s](Result<wire::ReplicaOpenResponse> opened) {
    if (opened) s.opened = std::move(*opened);
    const Lsn next = s.opened.durable_lsn.next();
    if (opened && s.prove) {
      if (s.opened.durable_lsn == Lsn()) return;  // its proof would need the genesis chain
      return append(next, s.opened.chain, 0, {}, [this](bool proven) {
        if (proven) leave_gap();
      });
    }
    // Nothing was proven: whatever it sends now must be refused.
    if (!opened) s.opened.session = random_.below(4);
    Bytes noise(8 * (1 + random_.below(40)));
    for (auto& byte : noise) byte = static_cast<uint8_t>(random_.next());
    const bool empty = random_.one_in(2);
    const Lsn first(next.value() + random_.below(3));
    append(first, random_id<Chain>(random_), empty ? 0 : 1, empty ? ByteSpan() : ByteSpan(noise), [](bool) {});
  });
}

void Hostile::append(Lsn first_lsn, const Chain& chain_before, uint32_t count, ByteSpan records,
                     std::move_only_function<void(bool)> then) {
  context_.count(Counter::kHostileAppends);
  Session& s = *session_;
  s.target->call(
      wire::kReplicaAppend, {s.opened.session, chain_before, first_lsn, count, s.open.source_durable, records}, 50,
      [then = std::move(then)](Result<wire::ReplicaAppendResponse> answer) mutable { then(answer.has_value()); });
}

// Real records of the source, but not the next ones; or ones that the target has.
void Hostile::leave_gap() {
  Session& s = *session_;
  const uint64_t end = s.opened.durable_lsn.value();
  const Lsn from(random_.one_in(4) ? 1 + random_.below(end) : end + 2);
  if (from > s.open.source_durable.lsn) return;
  s.source->call(wire::kWalFetch, {from, 1'000, 0}, 50, [this](Result<wire::WalFetchResponse> answer) {
    if (!answer || answer->count == 0) return;
    context_.count(Counter::kHostileGaps);
    context_.journal.note("stranger: records from LSN {}, {} of them, chain before {}, to one that ends at {}",
                          answer->first_lsn.value(), answer->count, to_hex(answer->chain_before),
                          session_->opened.durable_lsn.value());
    append(answer->first_lsn, answer->chain_before, answer->count, answer->records, [](bool) {});
  });
}

}  // namespace aerodb::sim
