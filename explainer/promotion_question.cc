// explain.promotion -> the record that starts the epoch -> the seal before it.
#include <fmt/format.h>

#include "common/rules/promotion_rules.h"
#include "explainer/differences.h"
#include "explainer/record_question.h"

namespace aerodb::explainer {
namespace {

constexpr auto kType = rules::ExplanationType::kPromotionDecision;

std::optional<std::string> start_differs(const rules::PromotionEvidence& e, const wal::RecordHeader& header,
                                         const wal::Payload& payload, std::string_view in) {
  auto difference = first_of({
      differ("epoch", header.epoch, e.epoch, in),
      differ("start_commit", header.commit, e.start_commit, in),
      differ("start_chain", header.chain_before, e.start_chain, in),
      differ("digest", header.digest_after, e.digest, in),
  });
  if (difference) return difference;
  const auto of = [&](const auto& start) {
    return first_of({
        differ("node", start.node, e.node, in),
        differ("instance", start.instance, e.instance, in),
        differ("request_id", start.who.request_id, e.request_id, in),
        differ("operator_name", start.who.operator_name, e.operator_name, in),
        differ("reason", start.who.reason, e.reason, in),
    });
  };
  if (const auto* start = std::get_if<wal::LineageStart>(&payload)) {
    if (auto other = differ("lineage", start->lineage, e.lineage, in)) return other;
    return of(*start);
  }
  if (const auto* start = std::get_if<wal::EpochStart>(&payload)) {
    if (auto other = differ("answers_seal_lsn", std::optional(start->seal_lsn), e.answers_seal_lsn, in)) return other;
    return of(*start);
  }
  return fmt::format("the record at LSN {} starts no epoch in {}", e.start_lsn.value(), in);
}

std::optional<std::string> seal_differs(const rules::PromotionEvidence& e, const wal::RecordView& record,
                                        const wal::Payload& payload, std::string_view in) {
  const auto* seal = std::get_if<wal::Seal>(&payload);
  if (seal == nullptr) return fmt::format("the record at LSN {} is no seal in {}", e.seal_lsn->value(), in);
  return first_of({
      differ("seal_number", std::optional(seal->number), e.seal_number, in),
      differ("seal_successor", std::optional(seal->successor), e.seal_successor, in),
      differ("seal_successor_instance", std::optional(seal->successor_instance), e.seal_successor_instance, in),
      differ("seal_chain", std::optional(record.chain_after()), e.seal_chain, in),
  });
}

class PromotionOperation final : public RecordQuestion {
 public:
  PromotionOperation(WitnessParts parts, PromotionQuestion question, WitnessDone done)
      : RecordQuestion(parts, wire::kExplainPromotion.name, kType, std::move(question.node), std::move(done)),
        epoch_(question.epoch) {}

 private:
  void ask() override { ask_for(wire::kExplainPromotion, {epoch_}); }

  void compare() override {
    shown_ = shown<rules::PromotionEvidence>(report().explanation, kType);
    if (!shown_) return finish(Checked::kNone, Agrees::kUnknown, "the evidence shown can't be read whole");
    if (auto why = differ("epoch", epoch_.value_or(shown_->evidence.epoch), shown_->evidence.epoch, "the request")) {
      return finish(Checked::kNone, Agrees::kFalse, std::move(*why));
    }
    compare_at(shown_->evidence.start_lsn, shown_->evidence.lineage);
  }

  std::optional<std::string> differs(const wal::RecordView& record, std::string_view in) const override {
    const auto& evidence = shown_->evidence;
    const auto payload = wal::parse_payload(record);
    if (!payload) return fmt::format("{}: {}", in, payload.error().message);
    return start_ ? seal_differs(evidence, record, *payload, in) : start_differs(evidence, record.header, *payload, in);
  }

  void agreed(Checked checked, std::string why) override {
    if (start_ || !shown_->evidence.seal_lsn) {
      const bool by_peer = start_ == Checked::kPeer || checked == Checked::kPeer;
      return finish(by_peer ? Checked::kPeer : Checked::kLog, Agrees::kTrue, std::move(why));
    }
    start_ = checked;
    compare_at(*shown_->evidence.seal_lsn, shown_->evidence.lineage);
  }

  void not_found(std::string why) override {
    if (!start_) return RecordQuestion::not_found(std::move(why));
    finish(*start_, Agrees::kTrue, "the record that starts the epoch was compared, the seal not; " + why);
  }

  std::optional<Epoch> epoch_;
  std::optional<Shown<rules::PromotionEvidence>> shown_;
  std::optional<Checked> start_;  // what the record that starts the epoch was compared with; then it is the seal's turn
};

}  // namespace

void ask_about_promotion(WitnessParts parts, PromotionQuestion question, WitnessDone done) {
  std::make_shared<PromotionOperation>(parts, std::move(question), std::move(done))->start();
}

}  // namespace aerodb::explainer
