// insert and update are one verb with two methods: a whole document, checked by the node.
#pragma once

#include "common/wire/methods.h"
#include "controlplane/console/data/data_options.h"

namespace aerodb::console {

class WriteDocument : public Verb {
 public:
  using Method = wire::Method<wire::DocInsertRequest, wire::ReceiptResponse>;
  explicit WriteDocument(const Method& method) : method_(method) {}
  void declare(Options& options) override;
  Result<ExitCode> run(Output& output) override;

 private:
  const Method& method_;
  std::string collection_;
  std::string document_;
  std::optional<uint64_t> schema_version_;
  DataOptions data_;
};

// Sends one request that is answered by a receipt alone; keeps and prints that.
template <class Request>
[[nodiscard]] Result<ExitCode> send_write(Session& session, const wire::Method<Request, wire::ReceiptResponse>& method,
                                          const Request& request, const DataOptions& data, Output& output) {
  auto answer = session.ask(method, request);
  if (!answer) return fail(std::move(answer.error()));
  if (auto saved = data.receipt.save(answer->receipt); !saved) return fail(std::move(saved.error()));
  output.message(*answer);
  return ExitCode::kOk;
}

}  // namespace aerodb::console
