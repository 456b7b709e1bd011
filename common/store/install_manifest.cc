// Apart, so that a link test can show that read-only programs are without it.
#include <fmt/format.h>

#include "common/store/manifest.h"
#include "common/store/run_format.h"

namespace aerodb::store {

Result<void> install_manifest(runtime::Disk& disk, const std::string& directory, const Manifest& manifest,
                              const std::function<void(runtime::ReplaceStep)>& on_step) {
  const Bytes bytes = encode_manifest(manifest);
  if (bytes.size() > kMaxManifestBytes)
    return fail(ErrorCode::kIo, fmt::format("write {}/{}: {} bytes, at most {} are read back", directory, kManifestName,
                                            bytes.size(), kMaxManifestBytes));
  return runtime::replace_file(disk, directory, std::string(kManifestName), bytes, on_step);
}

}  // namespace aerodb::store
