/** What pickles of checkpoints may name: the table of everything that is ever called, and what it gives. */

import type { Complex } from '../core/complex.js'
import { type DType, isDType, itemSize } from '../core/dtype.js'
import { Layout } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { Parameter } from '../nn/parameter.js'
import { FormatError, shown } from './source.js'
import { LoadedStorage, StorageClass, storageClasses } from './storages.js'
import { activations } from './torchModules.js'
import { Global, PyDict, PyObject, PyTuple } from './unpickle.js'

const sizes = (value: unknown, what: string): number[] => {
  const items = value instanceof PyTuple ? value.items : null
  if (items === null || !items.every((n) => typeof n === 'number' && Number.isSafeInteger(n) && n >= 0))
    throw new FormatError(`it has a tensor whose ${what} is no tuple of sizes`)
  return items as number[]
}

/** PyTorch's own limit. */
const MAX_DIMS = 64

/** A view of a storage, which it must not leave. */
function tensorOver(loaded: unknown, offset: unknown, size: unknown, stride: unknown, dtype: DType): Tensor {
  if (!(loaded instanceof LoadedStorage)) throw new FormatError('it has a tensor without a storage')
  const { storage, key, start } = loaded
  const [shape, strides] = [sizes(size, 'size'), sizes(stride, 'stride')]
  if (shape.length > MAX_DIMS) throw new FormatError(`it has a tensor of ${shape.length} dimensions`)
  if (shape.length !== strides.length)
    throw new FormatError(`it has a tensor with ${shape.length} sizes and ${strides.length} strides`)
  if (typeof offset !== 'number' || !Number.isSafeInteger(offset) || offset < 0)
    throw new FormatError(`it has a tensor at offset ${shown(offset)}`)
  const numel = shape.reduce((n, s) => n * s, 1)
  const last = numel === 0 ? -1 : shape.reduce((at, s, d) => at + (s - 1) * strides[d], offset)
  const available = loaded.dtype === null ? Math.floor(storage.byteLength / itemSize(dtype)) : loaded.numel
  if (!Number.isSafeInteger(numel) || !Number.isSafeInteger(last) || last >= available || offset > available)
    throw new FormatError(
      `it has a tensor of size [${shape.join(', ')}], stride [${strides.join(', ')}] and offset ${offset}, ` +
        `which goes out of its storage ${key} of ${available} elements`,
    )
  return new Tensor(storage, new Layout(shape, strides, start + offset), dtype)
}

function rebuildTensor([storage, offset, size, stride, requiresGrad = false, , metadata]: readonly unknown[]): Tensor {
  requireNoMetadata(metadata)
  const dtype = storage instanceof LoadedStorage ? storage.dtype : null
  if (storage instanceof LoadedStorage && dtype === null) throw new FormatError('it has a tensor over bytes without a dtype')
  return withGradient(tensorOver(storage, offset, size, stride, dtype ?? 'uint8'), requiresGrad)
}

/** Whether a tensor is the conjugate or the negative of what is in its storage. */
function requireNoMetadata(metadata: unknown): void {
  if (!(metadata instanceof PyDict)) return
  for (const [name, value] of metadata.entries)
    if (value !== false) throw new FormatError(`it has a tensor that is marked '${shown(name)}', which is not implemented`)
}

function rebuildTensorV3([storage, offset, size, stride, requiresGrad, , dtype, metadata]: readonly unknown[]): Tensor {
  requireNoMetadata(metadata)
  if (storage instanceof LoadedStorage && storage.dtype !== null)
    throw new FormatError('it has a tensor of a dtype of its own over a storage with another')
  if (!isDType(dtype)) throw new FormatError('it has a tensor of a dtype that flambeau does not have')
  return withGradient(tensorOver(storage, offset, size, stride, dtype), requiresGrad)
}

function withGradient(tensor: Tensor, requiresGrad: unknown): Tensor {
  if (requiresGrad === true) tensor.requiresGrad = true
  return tensor
}

function rebuildParameter([data, requiresGrad]: readonly unknown[]): Parameter {
  if (!(data instanceof Tensor)) throw new FormatError('it has a parameter that is no tensor')
  return new Parameter(data, { requiresGrad: requiresGrad === true })
}

/** What is given to list, set and dict constructors. */
const elements = (items: readonly unknown[]): readonly unknown[] => {
  if (items.length === 0) return []
  const [source] = items
  if (items.length === 1 && Array.isArray(source)) return source
  if (items.length === 1 && source instanceof PyTuple) return source.items
  if (items.length === 1 && source instanceof Set) return [...source]
  throw new FormatError('its pickle constructs a collection of something that is none')
}

function orderedDict(items: readonly unknown[]): PyDict {
  const dict = new PyDict(true)
  for (const pair of elements(items)) {
    const [key, value] = pair instanceof PyTuple ? pair.items : Array.isArray(pair) ? pair : []
    dict.entries.set(key, value)
  }
  return dict
}

/** `_codecs.encode(text, 'latin1')`: how protocol 2 writes bytes. */
function encode([text, encoding]: readonly unknown[]): Uint8Array {
  if (typeof text !== 'string' || (encoding !== 'latin1' && encoding !== 'latin-1'))
    throw new FormatError('its pickle encodes text in a way that is not supported')
  return Uint8Array.from(text, (c) => c.charCodeAt(0))
}

/** `bytearray(…)` of bytes or of text, never of a number: that would be a size. */
function bytearray(args: readonly unknown[]): Uint8Array {
  const [value] = args
  if (args.length === 0) return new Uint8Array()
  if (value instanceof Uint8Array) return value.slice()
  if (typeof value === 'string') return encode(args)
  throw new FormatError('its pickle makes a bytearray of something that is no bytes')
}

/** `complex(re, im)`. */
function complex([re, im = 0]: readonly unknown[]): Complex {
  if (typeof re !== 'number' || typeof im !== 'number') throw new FormatError('its pickle has a complex number that is none')
  return { re, im }
}

const functions: Record<string, (args: readonly unknown[]) => unknown> = {
  'torch._utils._rebuild_tensor': rebuildTensor,
  'torch._utils._rebuild_tensor_v2': rebuildTensor,
  'torch._utils._rebuild_tensor_v3': rebuildTensorV3,
  'torch._utils._rebuild_parameter': rebuildParameter,
  'torch._utils._rebuild_parameter_with_state': rebuildParameter,
  'torch._tensor._rebuild_from_type_v2': ([rebuild, , args]) => {
    if (!(rebuild instanceof Global) || rebuild.call === undefined || !(args instanceof PyTuple))
      throw new FormatError('its pickle rebuilds a tensor by something that is no function')
    return rebuild.call(args.items)
  },
  'collections.OrderedDict': orderedDict,
  'collections.defaultdict': () => new PyDict(),
  'collections.Counter': ([counts]) => (counts instanceof PyDict ? counts : new PyDict()),
  // A size is a tuple; a device and a dtype are their names.
  'torch.Size': (items) => new PyTuple(elements(items)),
  'torch.device': ([type, index]) => (index === undefined || index === null ? type : `${type}:${index}`),
  'torch.serialization._get_layout': ([name]) => name,
  '_codecs.encode': encode,
  'builtins.bytearray': bytearray,
  'builtins.bytes': bytearray,
  'builtins.set': (items) => new Set(elements(items)),
  'builtins.frozenset': (items) => new Set(elements(items)),
  'builtins.list': (items) => [...elements(items)],
  'builtins.tuple': (items) => new PyTuple(elements(items)),
  'builtins.dict': () => new PyDict(),
  'builtins.complex': complex,
}

/** What may be named as an argument, such as the kind of a defaultdict's values. */
const types: readonly string[] = [
  'torch.Tensor',
  'torch.nn.parameter.Parameter',
  'builtins.object',
  'builtins.int',
  'builtins.long', // What protocol 2 calls int, and below str.
  'builtins.unicode',
  'builtins.float',
  'builtins.bool',
  'builtins.str',
]

/** What PyTorch has and flambeau has not. */
const notImplemented: readonly (readonly [RegExp, string])[] = [
  [/^torch(\.cuda)?\.(Q|UQ)\w*Storage$|^torch\.q\w+|\._rebuild_qtensor$/, 'a quantized tensor'],
  [/\._rebuild_sparse\w*tensor$|^torch\.sparse\w*$/, 'a sparse tensor'],
  [/\._rebuild_nested_tensor$/, 'a nested tensor'],
  [/\._rebuild_meta_tensor_no_storage$/, 'a tensor without data'],
  [/\.(Uninitialized(Parameter|Buffer)|Lazy\w+)$/, 'a lazy module that has not seen its first input'],
  [
    /^torch\.(uint\d+|int\d+|float\d+\w*|bits\w+|complex32|ComplexHalfStorage)$/,
    'a tensor of a dtype that flambeau does not have',
  ],
]

/** `torch.float32` and the other dtypes: their names are their values. */
const torchDTypes: Record<string, string> = { float: 'float32', double: 'float64', half: 'float16', long: 'int64', int: 'int32' }

/** Python 2's names for what has moved. */
const moved: Record<string, string> = { __builtin__: 'builtins', copy_reg: 'copyreg' }

/** What a name in a pickle means. @throws FormatError for everything that is not in the table. */
export function findGlobal(
  module: string,
  name: string,
  classOf: (fullName: string) => ((state: unknown) => unknown) | undefined,
): unknown {
  const path = `${moved[module] ?? module}.${name}`
  if (Object.hasOwn(functions, path)) return new Global(path, functions[path])
  if (module === 'torch' || module === 'torch.cuda') {
    if (Object.hasOwn(storageClasses, name)) return new StorageClass(path, storageClasses[name as keyof typeof storageClasses])
    const dtype = torchDTypes[name] ?? name
    if (module === 'torch' && isDType(dtype)) return dtype
  }
  if (path === 'torch.storage.UntypedStorage' || path === 'torch.UntypedStorage') return new StorageClass(path, null)
  if (types.includes(path)) return new Global(path)
  if (path === 'copyreg._reconstructor') return new Global(path, reconstruct)
  const build = classOf(path)
  if (build !== undefined) return new Global(path, undefined, () => new PyObject(path, build))
  if (Object.hasOwn(activations, path)) return new Global(path)
  for (const [pattern, what] of notImplemented)
    if (path.startsWith('torch.') && pattern.test(path))
      throw new FormatError(`it has ${what} (${path}), which is not implemented`)
  throw new FormatError(`it refers to ${path}, which is neither among what may be loaded nor given in the option classes`)
}

/** `copyreg._reconstructor(cls, object, None)`: how old protocols make an instance. */
function reconstruct([cls, base, state]: readonly unknown[]): PyObject {
  if (!(cls instanceof Global) || cls.make === undefined || !(base instanceof Global) || state !== null)
    throw new FormatError('its pickle reconstructs an instance of something that is no class')
  return cls.make()
}
