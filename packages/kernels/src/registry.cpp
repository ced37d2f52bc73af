#include "kernel.hpp"

namespace flambeau {

Registry& registry() {
  static Registry r;
  return r;
}

// threads(n): sets the number of threads where n > 0, and takes the calling thread out of it where n < 0; answers the number
// in force.
KERNEL(threads) {
  const int n = args.i32();
  if (n > 0) setThreadCount(n);
  if (n < 0) computeAlone();
  args.result(1, threadCount());
  return kOk;
}

}  // namespace flambeau
