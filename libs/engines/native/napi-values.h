// JavaScript's values as C++ ones. What is not of the expected type is a C++ exception, which becomes a JavaScript one.

#ifndef TRIBUTARY_NAPI_VALUES_H_
#define TRIBUTARY_NAPI_VALUES_H_

#include <node_api.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace tributary {

inline void Check(napi_status status, const char* what) {
  if (status != napi_ok) throw std::invalid_argument(what);
}

inline std::string TextOf(napi_env env, napi_value value) {
  size_t length = 0;
  Check(napi_get_value_string_utf8(env, value, nullptr, 0, &length), "a string was expected");
  std::string text(length, '\0');
  Check(napi_get_value_string_utf8(env, value, &text[0], length + 1, &length), "a string was expected");
  return text;
}

inline double NumberOf(napi_env env, napi_value value) {
  double number = 0;
  Check(napi_get_value_double(env, value, &number), "a number was expected");
  return number;
}

inline bool BooleanOf(napi_env env, napi_value value) {
  bool boolean = false;
  Check(napi_get_value_bool(env, value, &boolean), "a boolean was expected");
  return boolean;
}

inline napi_value Member(napi_env env, napi_value object, const char* name) {
  napi_value value;
  Check(napi_get_named_property(env, object, name, &value), name);
  return value;
}

inline std::vector<napi_value> ListOf(napi_env env, napi_value array) {
  uint32_t length = 0;
  Check(napi_get_array_length(env, array, &length), "an array was expected");
  std::vector<napi_value> values(length);
  for (uint32_t i = 0; i < length; ++i) Check(napi_get_element(env, array, i, &values[i]), "an array was expected");
  return values;
}

template <typename Number>
std::vector<Number> NumbersOf(napi_env env, napi_value array) {
  std::vector<Number> numbers;
  for (napi_value value : ListOf(env, array)) numbers.push_back(static_cast<Number>(NumberOf(env, value)));
  return numbers;
}

inline bool IsList(napi_env env, napi_value value) {
  bool is_array = false;
  Check(napi_is_array(env, value, &is_array), "a value was expected");
  return is_array;
}

inline napi_value IntegerValue(napi_env env, int64_t number) {
  napi_value value;
  Check(napi_create_int64(env, number, &value), "no number could be made");
  return value;
}

using Function = napi_value (*)(napi_env, const std::vector<napi_value>&);

// Calls `function` with its arguments; a C++ exception becomes a JavaScript one.
template <Function function>
napi_value Call(napi_env env, napi_callback_info info) {
  size_t count = 8;
  napi_value arguments[8];
  try {
    Check(napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr), "no arguments");
    return function(env, std::vector<napi_value>(arguments, arguments + count));
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
    return nullptr;
  }
}

template <Function function>
void Export(napi_env env, napi_value exports, const char* name) {
  napi_value value;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, Call<function>, nullptr, &value) == napi_ok)
    napi_set_named_property(env, exports, name, value);
}

}  // namespace tributary

#endif  // TRIBUTARY_NAPI_VALUES_H_
