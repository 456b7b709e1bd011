// What the verbs that talk to a node's maintenance listener have in common: whom they ask, who asks and why, the
// phrases that a person types.
#pragma once

#include <string>

#include "controlplane/console/target.h"

namespace aerodb::console {

class MaintenanceVerb : public Verb {
 public:
  void declare(Options& options) override;

 protected:
  // A new id each time: unlike a control command it is never asked for again by it.
  [[nodiscard]] wire::Request request() const;
  // Applies the format too.
  [[nodiscard]] Result<std::unique_ptr<Session>> connect(Output& output);
  void apply_format(Output& output) const { format_.apply(output); }
  [[nodiscard]] const std::string& reason() const { return reason_; }
  [[nodiscard]] const NodeTarget& target() const { return node_; }
  // REASON_REQUIRED where none was given.
  [[nodiscard]] Result<void> check_reason() const;
  // What was given by `option`, or typed at a terminal; CONFIRMATION_REQUIRED with the phrase where it is neither.
  [[nodiscard]] Result<std::string> typed(std::string_view option, const std::string& given, const std::string& wanted,
                                          Output& output) const;

 private:
  std::string reason_;
  NodeTarget node_{NodeListener::kMaintenance};
  FormatOption format_;
};

}  // namespace aerodb::console
