// The Node-API side: hands out the frame and the names of the kernels, and runs what the frame says.
#include <node_api.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "kernel.hpp"
#include "primitives.hpp"

namespace {

// One frame an environment: every Node worker has its own.
struct Instance {
  double frame[flambeau::kFrameSlots];
};

// No arguments and no result: the frame carries both, which halves the cost of a call.
napi_value run(napi_env env, napi_callback_info info) {
  void* data;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  flambeau::runFrame(static_cast<Instance*>(data)->frame);
  return nullptr;
}

napi_value addressOf(napi_env env, napi_callback_info info) {
  size_t argc = 1, bytes;
  napi_value buffer, result;
  void* data = nullptr;
  napi_get_cb_info(env, info, &argc, &buffer, nullptr, nullptr);
  if (napi_get_arraybuffer_info(env, buffer, &data, &bytes) != napi_ok) {
    napi_throw_type_error(env, nullptr, "addressOf needs an ArrayBuffer");
    return nullptr;
  }
  napi_create_double(env, double(reinterpret_cast<uintptr_t>(data)), &result);
  return result;
}

// The best instruction set of this machine that there is a build for.
const char* instructionSet() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma"))
    return "avx512";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "avx2";
  return "x86-64-v2";
#elif defined(__aarch64__)
  return "neon";
#else
  return "generic";
#endif
}

void set(napi_env env, napi_value object, const char* key, napi_value value) {
  napi_set_named_property(env, object, key, value);
}

}  // namespace

NAPI_MODULE_INIT() {
#if defined(__GLIBC__)
  // Tensors come and go by the garbage collector; without these every large one would be mapped and faulted in anew.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
  mallopt(M_TOP_PAD, 16 << 20);
#endif
  auto* instance = new Instance;
  napi_add_env_cleanup_hook(env, [](void* p) { delete static_cast<Instance*>(p); }, instance);

  napi_value value, names;
  napi_create_function(env, "run", NAPI_AUTO_LENGTH, run, instance, &value);
  set(env, exports, "run", value);
  napi_create_function(env, "addressOf", NAPI_AUTO_LENGTH, addressOf, nullptr, &value);
  set(env, exports, "addressOf", value);
  // The frame lives as long as the environment, so the external buffer needs no finalizer.
  napi_create_external_arraybuffer(env, instance->frame, sizeof instance->frame, nullptr, nullptr, &value);
  set(env, exports, "frame", value);
  napi_create_string_utf8(env, instructionSet(), NAPI_AUTO_LENGTH, &value);
  set(env, exports, "instructionSet", value);
  const auto& registry = flambeau::registry();
  napi_create_array_with_length(env, size_t(registry.count), &names);
  for (int i = 0; i < registry.count; i++) {
    napi_create_string_utf8(env, registry.kernels[i].name, NAPI_AUTO_LENGTH, &value);
    napi_set_element(env, names, uint32_t(i), value);
  }
  set(env, exports, "kernels", names);
  napi_create_array_with_length(env, flambeau::kPrimitiveCount, &names);
  for (int i = 0; i < flambeau::kPrimitiveCount; i++) {
    napi_create_string_utf8(env, flambeau::kPrimitives[i].name, NAPI_AUTO_LENGTH, &value);
    napi_set_element(env, names, uint32_t(i), value);
  }
  set(env, exports, "primitives", names);
  return exports;
}
