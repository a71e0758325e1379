// A C ABI over libtorch (1.13 and 2.x, CPU or CUDA). Operators go through the dispatcher by name, so this file knows none of them.
// Tensor handles are owning TensorImpl pointers; 0 is the undefined tensor. Every function that can throw returns -1 after
// storing libtorch's message for the calling thread.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

using Handle = c10::TensorImpl*;

enum Tag : int32_t { None, Tensor, Int, Double, Bool, IntList, DoubleList, TensorList, OptionalTensorList, String, Device, Generator, Default };

// One argument or result: lists and strings carry their length in `count`.
struct Value {
  int32_t tag;
  int32_t count;
  union {
    int64_t integer;
    double real;
    void* pointer;
  };
};
static_assert(sizeof(Value) == 16, "the managed side mirrors this layout");

struct TensorInfo {
  void* data;
  int64_t numel;
  int64_t storage_offset;
  int64_t element_size;
  int32_t ndim;
  int32_t dtype;
  int32_t device_type;
  int32_t device_index;
  int32_t requires_grad;
  int32_t is_leaf;
  int32_t is_contiguous;
  int32_t is_inference;
};

thread_local std::string last_error;

template <typename F>
auto guarded(F&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const c10::Error& e) {
    last_error = e.what_without_backtrace();
  } catch (const std::exception& e) {
    last_error = e.what();
  } catch (...) {
    last_error = "unknown C++ exception";
  }
  return static_cast<decltype(body())>(-1);
}

at::Tensor borrow(Handle handle) {
  if (handle == nullptr) return {};
  c10::raw::intrusive_ptr::incref(handle);
  return at::Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(handle));
}

Handle lend(at::Tensor tensor) { return tensor.defined() ? tensor.unsafeReleaseTensorImpl() : nullptr; }

std::vector<at::Tensor> borrow(const Handle* handles, int32_t count) {
  std::vector<at::Tensor> tensors;
  tensors.reserve(count);
  for (int32_t i = 0; i < count; i++) tensors.push_back(borrow(handles[i]));
  return tensors;
}

// The array is malloc'ed; the caller frees it with ts_free.
Handle* lend(const std::vector<at::Tensor>& tensors) {
  auto* handles = static_cast<Handle*>(std::malloc(sizeof(Handle) * (tensors.size() + 1)));
  for (size_t i = 0; i < tensors.size(); i++) handles[i] = lend(tensors[i]);
  return handles;
}

c10::Device device_of(int64_t packed) {
  return c10::Device(static_cast<c10::DeviceType>(packed & 0xff), static_cast<c10::DeviceIndex>(packed >> 8));
}

bool takes_real(const c10::Argument& argument) {
  auto type = argument.type();
  if (auto optional = type->cast<c10::OptionalType>()) type = optional->getElementType();
  return type->kind() == c10::TypeKind::FloatType;
}

c10::IValue to_ivalue(const Value& value, const c10::Argument& argument) {
  switch (value.tag) {
    case None: return {};
    case Tensor: return borrow(static_cast<Handle>(value.pointer));
    case Int: return takes_real(argument) ? c10::IValue(static_cast<double>(value.integer)) : c10::IValue(value.integer);
    case Double: return value.real;
    case Bool: return value.integer != 0;
    case IntList: {
      auto* first = static_cast<const int64_t*>(value.pointer);
      return c10::IValue(at::IntArrayRef(first, value.count));
    }
    case DoubleList: {
      auto* first = static_cast<const double*>(value.pointer);
      return std::vector<double>(first, first + value.count);
    }
    case TensorList: {
      c10::List<at::Tensor> list;
      list.reserve(value.count);
      for (int32_t i = 0; i < value.count; i++) list.push_back(borrow(static_cast<Handle*>(value.pointer)[i]));
      return list;
    }
    case OptionalTensorList: {
      c10::impl::GenericList list(c10::OptionalType::ofTensor());
      list.reserve(value.count);
      for (int32_t i = 0; i < value.count; i++) {
        auto handle = static_cast<Handle*>(value.pointer)[i];
        list.push_back(handle ? c10::IValue(borrow(handle)) : c10::IValue());
      }
      return list;
    }
    case String: return std::string(static_cast<const char*>(value.pointer), value.count);
    case Device: return device_of(value.integer);
    case Generator: return *static_cast<at::Generator*>(value.pointer);
    case Default:
      TORCH_CHECK(argument.default_value(), "argument '", argument.name(), "' has no default");
      return *argument.default_value();
    default: TORCH_CHECK(false, "unknown argument tag ", value.tag);
  }
}

Value to_value(c10::IValue&& item) {
  Value value{None, 0, {0}};
  if (item.isTensor()) {
    value.tag = Tensor;
    value.pointer = lend(std::move(item).toTensor());
  } else if (item.isInt()) {
    value.tag = Int;
    value.integer = item.toInt();
  } else if (item.isDouble()) {
    value.tag = Double;
    value.real = item.toDouble();
  } else if (item.isBool()) {
    value.tag = Bool;
    value.integer = item.toBool();
  } else if (item.isTensorList()) {
    auto tensors = item.toTensorVector();
    value.tag = TensorList;
    value.count = static_cast<int32_t>(tensors.size());
    value.pointer = lend(tensors);
  } else {
    TORCH_CHECK(item.isNone(), "results of type ", item.tagKind(), " are not supported");
  }
  return value;
}

}  // namespace

EXPORT const char* ts_error() { return last_error.c_str(); }
EXPORT void ts_free(void* memory) { std::free(memory); }
EXPORT const char* ts_version() { return TORCH_VERSION; }

// ---- operators -----------------------------------------------------------------------------------------------------------

EXPORT void* ts_operator(const char* name, const char* overload) {
  void* found = nullptr;
  guarded([&] {
    auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
    TORCH_CHECK(handle.has_value(), "libtorch ", TORCH_VERSION, " has no operator ", name, overload[0] ? "." : "", overload);
    found = new c10::OperatorHandle(*handle);
    return 0;
  });
  return found;
}

// Missing trailing arguments take the schema's defaults. Returns the number of results.
EXPORT int32_t ts_call(const c10::OperatorHandle* op, const Value* arguments, int32_t count, Value* results, int32_t capacity) {
  return guarded([&]() -> int32_t {
    const auto& schema = op->schema();
    const auto& expected = schema.arguments();
    TORCH_CHECK(static_cast<size_t>(count) <= expected.size(), schema.name(), " takes ", expected.size(), " arguments, not ", count);
    torch::jit::Stack stack;
    stack.reserve(std::max(expected.size(), schema.returns().size()));
    for (size_t i = 0; i < expected.size(); i++) {
      stack.push_back(to_ivalue(i < static_cast<size_t>(count) ? arguments[i] : Value{Default, 0, {0}}, expected[i]));
    }
    op->callBoxed(&stack);
    TORCH_CHECK(static_cast<int32_t>(stack.size()) <= capacity, schema.name(), " has ", stack.size(), " results");
    for (size_t i = 0; i < stack.size(); i++) results[i] = to_value(std::move(stack[i]));
    return static_cast<int32_t>(stack.size());
  });
}

// ---- tensors -------------------------------------------------------------------------------------------------------------

EXPORT void ts_release(Handle handle) {
  auto owner = c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(handle);
}

EXPORT Handle ts_alias(Handle handle) { return lend(borrow(handle)); }

EXPORT int32_t ts_info(Handle handle, TensorInfo* info) {
  return guarded([&] {
    auto tensor = borrow(handle);
    bool strided = tensor.layout() == c10::kStrided;
    info->data = strided && tensor.has_storage() ? tensor.data_ptr() : nullptr;
    info->numel = tensor.numel();
    info->storage_offset = strided ? tensor.storage_offset() : 0;
    info->element_size = tensor.element_size();
    info->ndim = static_cast<int32_t>(tensor.dim());
    info->dtype = static_cast<int32_t>(tensor.scalar_type());
    info->device_type = static_cast<int32_t>(tensor.device().type());
    info->device_index = tensor.device().index();
    info->requires_grad = tensor.requires_grad();
    info->is_leaf = tensor.is_leaf();
    info->is_contiguous = strided && tensor.is_contiguous();
    info->is_inference = tensor.is_inference();
    return 0;
  });
}

// Writes at most `capacity` values and returns the number of dimensions.
EXPORT int32_t ts_sizes(Handle handle, int64_t* sizes, int32_t capacity) {
  return guarded([&] {
    auto all = handle->sizes();
    std::memcpy(sizes, all.data(), sizeof(int64_t) * std::min<size_t>(capacity, all.size()));
    return static_cast<int32_t>(all.size());
  });
}

EXPORT int32_t ts_strides(Handle handle, int64_t* strides, int32_t capacity) {
  return guarded([&] {
    auto all = handle->strides();
    std::memcpy(strides, all.data(), sizeof(int64_t) * std::min<size_t>(capacity, all.size()));
    return static_cast<int32_t>(all.size());
  });
}

EXPORT Handle ts_from_copy(const void* data, int64_t bytes, const int64_t* sizes, int32_t ndim, int32_t dtype) {
  Handle result = nullptr;
  guarded([&] {
    auto tensor = at::empty(at::IntArrayRef(sizes, ndim), at::TensorOptions(static_cast<c10::ScalarType>(dtype)));
    auto expected = static_cast<int64_t>(tensor.nbytes());
    TORCH_CHECK(expected == bytes, "the data has ", bytes, " bytes, a tensor of shape ", tensor.sizes(), " has ", expected);
    if (bytes > 0) std::memcpy(tensor.data_ptr(), data, bytes);
    result = lend(std::move(tensor));
    return 0;
  });
  return result;
}

// The tensor reads and writes the caller's memory; `release(context)` runs when its storage dies.
EXPORT Handle ts_from_blob(void* data, const int64_t* sizes, int32_t ndim, int32_t dtype, void (*release)(void*), void* context) {
  Handle result = nullptr;
  guarded([&] {
    auto options = at::TensorOptions(static_cast<c10::ScalarType>(dtype));
    result = lend(at::from_blob(data, at::IntArrayRef(sizes, ndim), [=](void*) { release(context); }, options));
    return 0;
  });
  return result;
}

// ---- autograd ------------------------------------------------------------------------------------------------------------

EXPORT int32_t ts_set_requires_grad(Handle handle, int32_t value) {
  return guarded([&] {
    borrow(handle).set_requires_grad(value != 0);
    return 0;
  });
}

EXPORT int32_t ts_grad(Handle handle, Handle* result) {
  return guarded([&] {
    *result = lend(borrow(handle).grad());
    return 0;
  });
}

EXPORT int32_t ts_set_grad(Handle handle, Handle gradient) {
  return guarded([&] {
    borrow(handle).mutable_grad() = borrow(gradient);
    return 0;
  });
}

EXPORT int32_t ts_retain_grad(Handle handle) {
  return guarded([&] {
    borrow(handle).retain_grad();
    return 0;
  });
}

EXPORT int32_t ts_backward(const Handle* tensors, int32_t count, const Handle* gradients, int32_t gradient_count, int32_t retain_graph,
                           int32_t create_graph, const Handle* inputs, int32_t input_count) {
  return guarded([&] {
    torch::autograd::backward(borrow(tensors, count), borrow(gradients, gradient_count), retain_graph != 0, create_graph != 0,
                              borrow(inputs, input_count));
    return 0;
  });
}

EXPORT int32_t ts_autograd_grad(const Handle* outputs, int32_t output_count, const Handle* inputs, int32_t input_count, const Handle* gradients,
                                int32_t gradient_count, int32_t retain_graph, int32_t create_graph, int32_t allow_unused, Handle* results) {
  return guarded([&] {
    auto found = torch::autograd::grad(borrow(outputs, output_count), borrow(inputs, input_count), borrow(gradients, gradient_count),
                                       retain_graph != 0, create_graph != 0, allow_unused != 0);
    for (size_t i = 0; i < found.size(); i++) results[i] = lend(found[i]);
    return 0;
  });
}

EXPORT int32_t ts_grad_enabled() { return c10::GradMode::is_enabled(); }
EXPORT void ts_set_grad_enabled(int32_t enabled) { c10::GradMode::set_enabled(enabled != 0); }
EXPORT int32_t ts_inference_enabled() { return c10::InferenceMode::is_enabled(); }
EXPORT void* ts_inference_enter(int32_t enabled) { return new c10::InferenceMode(enabled != 0); }
EXPORT void ts_inference_leave(c10::InferenceMode* guard) { delete guard; }

// ---- randomness ----------------------------------------------------------------------------------------------------------

EXPORT int32_t ts_manual_seed(uint64_t seed) {
  return guarded([&] {
    at::manual_seed(seed);
    return 0;
  });
}

// The global generator of a device (shared state), or an independent one.
EXPORT at::Generator* ts_generator(int64_t device, uint64_t seed, int32_t is_global) {
  at::Generator* result = nullptr;
  guarded([&] {
    // A clone of the CPU's generator would never be freed: its weak count starts at zero.
    if (!is_global && device_of(device).is_cpu()) {
      result = new at::Generator(at::make_generator<at::CPUGeneratorImpl>(seed));
      return 0;
    }
    auto shared = at::globalContext().defaultGenerator(device_of(device));
    if (is_global) {
      result = new at::Generator(shared);
    } else {
      std::lock_guard<std::mutex> lock(shared.mutex());
      result = new at::Generator(shared.clone());
      result->set_current_seed(seed);
    }
    return 0;
  });
  return result;
}

EXPORT void ts_generator_release(at::Generator* generator) { delete generator; }

EXPORT int32_t ts_generator_seed(at::Generator* generator, uint64_t seed) {
  return guarded([&] {
    std::lock_guard<std::mutex> lock(generator->mutex());
    generator->set_current_seed(seed);
    return 0;
  });
}

EXPORT uint64_t ts_generator_current_seed(at::Generator* generator) { return generator->current_seed(); }

EXPORT int32_t ts_generator_state(at::Generator* generator, Handle* state) {
  return guarded([&] {
    std::lock_guard<std::mutex> lock(generator->mutex());
    *state = lend(generator->get_state());
    return 0;
  });
}

EXPORT int32_t ts_generator_set_state(at::Generator* generator, Handle state) {
  return guarded([&] {
    std::lock_guard<std::mutex> lock(generator->mutex());
    generator->set_state(borrow(state));
    return 0;
  });
}

// ---- threads, devices, switches ------------------------------------------------------------------------------------------

EXPORT int32_t ts_num_threads() { return at::get_num_threads(); }
EXPORT int32_t ts_num_interop_threads() { return at::get_num_interop_threads(); }

EXPORT int32_t ts_set_num_threads(int32_t count) {
  return guarded([&] {
    at::set_num_threads(count);
    return 0;
  });
}

EXPORT int32_t ts_set_num_interop_threads(int32_t count) {
  return guarded([&] {
    at::set_num_interop_threads(count);
    return 0;
  });
}

EXPORT int32_t ts_cuda_device_count() {
  return guarded([&]() -> int32_t { return at::hasCUDA() ? static_cast<int32_t>(torch::cuda::device_count()) : 0; });
}

EXPORT int32_t ts_cuda_synchronize(int64_t device) {
  return guarded([&] {
    torch::cuda::synchronize(device);
    return 0;
  });
}

enum Switch : int32_t { MatmulTf32, CudnnTf32, Deterministic };

EXPORT int32_t ts_switch(int32_t which, int32_t value) {
  return guarded([&]() -> int32_t {
    auto& context = at::globalContext();
    bool read = value < 0, on = value > 0;
    switch (which) {
      case MatmulTf32: return read ? context.allowTF32CuBLAS() : (context.setAllowTF32CuBLAS(on), 0);
      case CudnnTf32: return read ? context.allowTF32CuDNN() : (context.setAllowTF32CuDNN(on), 0);
      case Deterministic: return read ? context.deterministicAlgorithms() : (context.setDeterministicAlgorithms(on, false), 0);
      default: TORCH_CHECK(false, "unknown switch ", which);
    }
  });
}
