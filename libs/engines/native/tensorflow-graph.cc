// The addon of @tensorflow/tfjs-node with graphs added to it: operations are put into a TensorFlow graph instead of being
// executed, TensorFlow infers their shapes, and the finished graph becomes a function that the addon's own executeOp runs
// like any other operation, on the CPU or on a GPU. Built by `tributary engine install tensorflow` against the sources in
// the npm package, whose class keeps its context private: hence the compiler's flag -fno-access-control.

#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

// The package's own registration of the module is left out: this file registers it, with `open` as its only export.
#undef NAPI_MODULE
#define NAPI_MODULE(name, register)
#include "tf_auto_tensor.h"
#include "tfjs_binding.cc"

#include "napi-values.h"

namespace tributary {

using tfnodejs::TF_AutoStatus;
using tfnodejs::TF_AutoTensor;
using tfnodejs::TFJSBackend;

struct Graph {
  TF_Graph* graph = TF_NewGraph();
  std::vector<TF_Output> tensors;
  ~Graph() { TF_DeleteGraph(graph); }
};

void Check(const TF_AutoStatus& status) {
  if (TF_GetCode(status.status) != TF_OK) throw std::runtime_error(TF_Message(status.status));
}

Graph& GraphOf(napi_env env, napi_value value) {
  void* graph = nullptr;
  Check(napi_get_value_external(env, value, &graph), "a graph was expected");
  return *static_cast<Graph*>(graph);
}

std::vector<TF_Output> TensorsOf(napi_env env, const Graph& graph, napi_value ids) {
  std::vector<TF_Output> tensors;
  for (int id : NumbersOf<int>(env, ids)) tensors.push_back(graph.tensors.at(id));
  return tensors;
}

TFJSBackend& BackendOf(napi_env env) {
  void* backend = nullptr;
  Check(napi_get_instance_data(env, &backend), "the backend is not open");
  if (backend == nullptr) throw std::invalid_argument("the backend is not open");
  return *static_cast<TFJSBackend*>(backend);
}

void SetAttribute(napi_env env, TF_OperationDescription* operation, napi_value attribute) {
  const std::string name = TextOf(env, Member(env, attribute, "name"));
  const auto type = static_cast<TF_AttrType>(NumberOf(env, Member(env, attribute, "type")));
  const napi_value value = Member(env, attribute, "value");
  if (type == TF_ATTR_STRING) {
    const std::string text = TextOf(env, value);
    TF_SetAttrString(operation, name.c_str(), text.data(), text.size());
  } else if (type == TF_ATTR_INT && IsList(env, value)) {
    const auto numbers = NumbersOf<int64_t>(env, value);
    TF_SetAttrIntList(operation, name.c_str(), numbers.data(), static_cast<int>(numbers.size()));
  } else if (type == TF_ATTR_INT) {
    TF_SetAttrInt(operation, name.c_str(), static_cast<int64_t>(NumberOf(env, value)));
  } else if (type == TF_ATTR_FLOAT) {
    TF_SetAttrFloat(operation, name.c_str(), static_cast<float>(NumberOf(env, value)));
  } else if (type == TF_ATTR_BOOL) {
    TF_SetAttrBool(operation, name.c_str(), BooleanOf(env, value) ? 1 : 0);
  } else if (type == TF_ATTR_TYPE) {
    TF_SetAttrType(operation, name.c_str(), static_cast<TF_DataType>(NumberOf(env, value)));
  } else if (type == TF_ATTR_SHAPE) {
    const auto shape = NumbersOf<int64_t>(env, value);
    TF_SetAttrShape(operation, name.c_str(), shape.data(), static_cast<int>(shape.size()));
  } else {
    throw std::invalid_argument("the attribute " + name + " has a type that graphs do not take");
  }
}

// The length of the list of inputs that an operation begins with (its attribute N), or 0 where it begins with none.
size_t LeadingListLength(napi_env env, const std::vector<napi_value>& attributes) {
  for (napi_value attribute : attributes)
    if (TextOf(env, Member(env, attribute, "name")) == "N")
      return static_cast<size_t>(NumberOf(env, Member(env, attribute, "value")));
  return 0;
}

// {id, dtype, shape} of a tensor of the graph, as executeOp describes the tensors it makes.
napi_value Describe(napi_env env, Graph& graph, TF_Output tensor) {
  TF_AutoStatus status;
  const int rank = TF_GraphGetTensorNumDims(graph.graph, tensor, status.status);
  Check(status);
  if (rank < 0) throw std::runtime_error(std::string(TF_OperationOpType(tensor.oper)) + " gives a shape that depends on data");
  std::vector<int64_t> sizes(rank);
  TF_GraphGetTensorShape(graph.graph, tensor, sizes.data(), rank, status.status);
  Check(status);
  napi_value shape, result;
  Check(napi_create_array_with_length(env, rank, &shape), "no array could be made");
  for (int axis = 0; axis < rank; ++axis) {
    if (sizes[axis] < 0) throw std::runtime_error(std::string(TF_OperationOpType(tensor.oper)) + " gives a shape that depends on data");
    Check(napi_set_element(env, shape, axis, IntegerValue(env, sizes[axis])), "no array could be made");
  }
  graph.tensors.push_back(tensor);
  Check(napi_create_object(env, &result), "no object could be made");
  napi_set_named_property(env, result, "id", IntegerValue(env, static_cast<int64_t>(graph.tensors.size()) - 1));
  napi_set_named_property(env, result, "dtype", IntegerValue(env, TF_OperationOutputType(tensor)));
  napi_set_named_property(env, result, "shape", shape);
  return result;
}

TF_OperationDescription* Begin(const Graph& graph, const std::string& op) {
  const std::string name = op + "_" + std::to_string(graph.tensors.size());
  return TF_NewOperation(graph.graph, op.c_str(), name.c_str());
}

napi_value CreateGraph(napi_env env, const std::vector<napi_value>&) {
  napi_value value;
  const auto finalize = [](napi_env, void* graph, void*) { delete static_cast<Graph*>(graph); };
  Check(napi_create_external(env, new Graph, finalize, nullptr, &value), "no graph could be made");
  return value;
}

// graphConstant(graph, shape, dtype, values): as createTensor, in the graph.
napi_value GraphConstant(napi_env env, const std::vector<napi_value>& arguments) {
  Graph& graph = GraphOf(env, arguments.at(0));
  const auto shape = NumbersOf<int64_t>(env, arguments.at(1));
  const auto dtype = static_cast<TF_DataType>(NumberOf(env, arguments.at(2)));
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  Check(napi_get_typedarray_info(env, arguments.at(3), &type, &length, &data, nullptr, nullptr), "a typed array was expected");
  const size_t bytes = length * (type == napi_uint8_array ? 1 : 4);
  TF_AutoTensor tensor(TF_AllocateTensor(dtype, shape.data(), static_cast<int>(shape.size()), bytes));
  if (bytes > 0) std::memcpy(TF_TensorData(tensor.tensor), data, bytes);
  TF_OperationDescription* operation = Begin(graph, "Const");
  TF_AutoStatus status;
  TF_SetAttrTensor(operation, "value", tensor.tensor, status.status);
  TF_SetAttrType(operation, "dtype", dtype);
  TF_Operation* made = TF_FinishOperation(operation, status.status);
  Check(status);
  return Describe(env, graph, {made, 0});
}

// graphOperation(graph, op, attributes, inputs): as executeOp, in the graph.
napi_value GraphOperation(napi_env env, const std::vector<napi_value>& arguments) {
  Graph& graph = GraphOf(env, arguments.at(0));
  const auto attributes = ListOf(env, arguments.at(2));
  const auto inputs = TensorsOf(env, graph, arguments.at(3));
  TF_OperationDescription* operation = Begin(graph, TextOf(env, arguments.at(1)));
  const size_t listed = LeadingListLength(env, attributes);
  if (listed > 0) TF_AddInputList(operation, inputs.data(), static_cast<int>(listed));
  for (size_t i = listed; i < inputs.size(); ++i) TF_AddInput(operation, inputs[i]);
  for (napi_value attribute : attributes)
    if (TextOf(env, Member(env, attribute, "name")) != "N") SetAttribute(env, operation, attribute);
  TF_AutoStatus status;
  TF_Operation* made = TF_FinishOperation(operation, status.status);
  Check(status);
  napi_value outputs;
  Check(napi_create_array(env, &outputs), "no array could be made");
  for (int i = 0; i < TF_OperationNumOutputs(made); ++i)
    Check(napi_set_element(env, outputs, i, Describe(env, graph, {made, i})), "no array could be made");
  return outputs;
}

// defineFunction(graph, name, inputs, outputs): from now on executeOp runs the graph under this name.
napi_value DefineFunction(napi_env env, const std::vector<napi_value>& arguments) {
  Graph& graph = GraphOf(env, arguments.at(0));
  const std::string name = TextOf(env, arguments.at(1));
  const auto inputs = TensorsOf(env, graph, arguments.at(2));
  const auto outputs = TensorsOf(env, graph, arguments.at(3));
  TF_AutoStatus status;
  TF_Function* function =
      TF_GraphToFunction(graph.graph, name.c_str(), 0, -1, nullptr, static_cast<int>(inputs.size()), inputs.data(),
                         static_cast<int>(outputs.size()), outputs.data(), nullptr, nullptr, nullptr, status.status);
  Check(status);
  TFE_ContextAddFunction(BackendOf(env).tfe_context_, function, status.status);
  TF_DeleteFunction(function);
  Check(status);
  return nullptr;
}

napi_value RemoveFunction(napi_env env, const std::vector<napi_value>& arguments) {
  TF_AutoStatus status;
  TFE_ContextRemoveFunction(BackendOf(env).tfe_context_, TextOf(env, arguments.at(0)).c_str(), status.status);
  Check(status);
  return nullptr;
}

// Sends the process's stderr nowhere while it lives: TensorFlow greets there as it loads, before it reads any setting.
class Silence {
 public:
  Silence() : stderr_(dup(STDERR_FILENO)) {
    const int nowhere = ::open("/dev/null", O_WRONLY);
    if (stderr_ >= 0 && nowhere >= 0) dup2(nowhere, STDERR_FILENO);
    if (nowhere >= 0) close(nowhere);
  }
  ~Silence() {
    if (stderr_ < 0) return;
    dup2(stderr_, STDERR_FILENO);
    close(stderr_);
  }

 private:
  const int stderr_;
};

// The addon is not linked to TensorFlow, so that its settings are in place before it is loaded.
void Load(const std::string& library) {
  if (dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) throw std::runtime_error(dlerror());
}

// open(threads, libraryFolder): the addon's own exports. TensorFlow reads its settings from the environment, once a process.
napi_value Open(napi_env env, const std::vector<napi_value>& arguments) {
  const std::string threads = std::to_string(static_cast<int>(NumberOf(env, arguments.at(0))));
  const std::string folder = TextOf(env, arguments.at(1));
  for (const char* name : {"TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"})
    setenv(name, threads.c_str(), 1);
  setenv("TF_CPP_MIN_LOG_LEVEL", "3", 0);
  Silence silence;
  Load(folder + "/libtensorflow_framework.so.2");
  Load(folder + "/libtensorflow_cc.so.2");
  napi_value binding;
  Check(napi_create_object(env, &binding), "no object could be made");
  return tfnodejs::InitTFNodeJSBinding(env, binding);
}

}  // namespace tributary

NAPI_MODULE_INIT() {
  using namespace tributary;
  Export<Open>(env, exports, "open");
  Export<CreateGraph>(env, exports, "createGraph");
  Export<GraphConstant>(env, exports, "graphConstant");
  Export<GraphOperation>(env, exports, "graphOperation");
  Export<DefineFunction>(env, exports, "defineFunction");
  Export<RemoveFunction>(env, exports, "removeFunction");
  return exports;
}
