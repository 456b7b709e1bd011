// What every question with a verdict has in common: it asks the node for its explanation, gives the first verdict, and
// leaves the second to its type. A question lives as long as somebody is to answer it. Thread: the loop's.
#pragma once

#include <memory>
#include <string>

#include "explainer/questions.h"

namespace aerodb::explainer {

class Question : public std::enable_shared_from_this<Question> {
 public:
  virtual ~Question() = default;
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;
  void start();

 protected:
  Question(WitnessParts parts, std::string_view method, rules::ExplanationType type, std::string node, WitnessDone done)
      : parts_(parts), method_(method), type_(type), node_name_(std::move(node)), done_(std::move(done)) {}

  // Begins with the node admitted; ends in explained() or refuse().
  virtual void ask() = 0;
  // The first verdict is given; ends in finish().
  virtual void compare() = 0;

  void explained(const Result<wire::ExplanationResponse>& answer);
  void refuse(Error error) { done_(fail(std::move(error))); }
  void finish(Checked checked, Agrees agrees, std::string why);
  // Calls (self.*then)(answer).
  template <class Self, class Request, class Response>
  void call(Peer& peer, const wire::Method<Request, Response>& method, std::type_identity_t<Request> request,
            void (Self::*then)(const Result<Response>&)) {
    peer.call(method, std::move(request), [self = shared_from_this(), then](Result<Response> answer) {
      (static_cast<Self&>(*self).*then)(answer);
    });
  }
  template <class Request>
  void ask_for(const wire::Method<Request, wire::ExplanationResponse>& method, std::type_identity_t<Request> request) {
    call(*node_, method, std::move(request), &Question::explained);
  }
  [[nodiscard]] const Peers& peers() const { return parts_.peers; }
  [[nodiscard]] Peer& node() { return *node_; }
  // The other configured nodes, one after the other: false where all had their turn.
  [[nodiscard]] bool turn_to_next();
  void begin_with_first() { turn_ = 0; }
  [[nodiscard]] Peer& other() { return *other_; }
  [[nodiscard]] WitnessReport& report() { return report_; }

 private:
  WitnessParts parts_;
  std::string_view method_;
  rules::ExplanationType type_;
  std::string node_name_;
  WitnessDone done_;
  Peer* node_ = nullptr;
  Peer* other_ = nullptr;
  size_t turn_ = 0;  // among the configured nodes
  Admission admission_;
  WitnessReport report_;
};

}  // namespace aerodb::explainer
