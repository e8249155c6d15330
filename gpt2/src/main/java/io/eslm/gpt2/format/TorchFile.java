// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.format;

import io.eslm.tensor.Shape;
import io.eslm.tensor.UserError;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A file that {@code torch.save} of PyTorch 1.6 or newer wrote: a zip archive with {@code data.pkl}, a pickle, and {@code data/KEY} for
 * the memory of its tensors. Nothing in it is run: a few names have a meaning here, and every other one is refused.
 */
final class TorchFile implements Pickle.Names {
    private static final String PICKLE = "data.pkl";
    private static final int MOST_DIMENSIONS = 32;
    /** Element types of storages; null for those that hold no floating-point numbers. */
    private static final Map<String, Optional<Encoding>> STORAGES = Map.of("torch.FloatStorage",
            Optional.of(Encoding.F32), "torch.HalfStorage", Optional.of(Encoding.F16), "torch.BFloat16Storage",
            Optional.of(Encoding.BF16), "torch.DoubleStorage", Optional.of(Encoding.F64), "torch.LongStorage",
            Optional.empty(), "torch.IntStorage", Optional.empty(), "torch.ShortStorage", Optional.empty(),
            "torch.CharStorage", Optional.empty(), "torch.ByteStorage", Optional.empty(), "torch.BoolStorage",
            Optional.empty());

    private final MappedFile file;
    private final ZipIndex zip;
    private final String folder;

    /** What may be called. */
    private enum Function {
        ORDERED_DICT, TENSOR, PARAMETER, SIZE, DEVICE, ENCODE
    }

    /** A name that only says something about a tensor, such as {@code torch.float32}. */
    private record Word(String name) {
    }

    /** The memory of tensors. */
    private record Memory(String key, Optional<Encoding> type, long size) {
    }

    /**
     * A tensor as the pickle describes it.
     *
     * @param type empty if it holds no floating-point numbers
     */
    record Stored(String key, Optional<Encoding> type, long size, long offset, List<?> dims, List<?> strides) {
    }

    private TorchFile(MappedFile file) {
        this.file = file;
        zip = new ZipIndex(file);
        String found = null;
        for (String name : zip.names()) {
            if (name.equals(PICKLE) || name.endsWith("/" + PICKLE) && name.indexOf('/') == name.lastIndexOf('/')) {
                found = name;
            }
        }
        if (found == null) {
            throw file.wrong("is a zip archive, but none that torch.save wrote: it has no " + PICKLE,
                    "Name a checkpoint of PyTorch, such as pytorch_model.bin or ckpt.pt");
        }
        folder = found.substring(0, found.length() - PICKLE.length());
        if (zip.contains(folder + "constants.pkl")) {
            throw file.wrong("is a TorchScript program, which is not read because loading it would run code",
                    "In Python, save its weights: torch.save(model.state_dict(), FILE)");
        }
        if (zip.contains(folder + "byteorder")
                && !new String(zip.bytes(folder + "byteorder").toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8)
                        .strip().equals("little")) {
            throw file.wrong("was written on a big-endian machine, whose numbers are not read",
                    "Load and save it once on another machine");
        }
    }

    /** @throws UserError if it is no archive of PyTorch, or of a kind that is not read */
    static TorchFile open(MappedFile file) {
        return new TorchFile(file);
    }

    /**
     * What was saved: plain data, in which tensors are {@link Stored}.
     *
     * @throws UserError if it is damaged, or holds more than tensors and plain data
     */
    Object contents() {
        MemorySegment pickle = zip.bytes(folder + PICKLE);
        if (pickle.byteSize() > Pickle.MOST_BYTES) {
            throw file.broken("its " + PICKLE + " has " + pickle.byteSize() + " bytes, the limit is "
                    + Pickle.MOST_BYTES);
        }
        return Pickle.of(file.file(), pickle.toArray(ValueLayout.JAVA_BYTE), this);
    }

    @Override
    public Optional<Object> global(String name) {
        return switch (name) {
            case "collections.OrderedDict" -> Optional.of(Function.ORDERED_DICT);
            case "torch._utils._rebuild_tensor_v2" -> Optional.of(Function.TENSOR);
            case "torch._utils._rebuild_parameter" -> Optional.of(Function.PARAMETER);
            case "torch.Size" -> Optional.of(Function.SIZE);
            case "torch.device" -> Optional.of(Function.DEVICE);
            case "_codecs.encode" -> Optional.of(Function.ENCODE);
            case "torch.float64", "torch.float32", "torch.float16", "torch.bfloat16", "torch.int64", "torch.int32",
                    "torch.int16", "torch.int8", "torch.uint8", "torch.bool" ->
                    Optional.of(new Word(name));
            default -> STORAGES.containsKey(name) ? Optional.of(new Word(name)) : Optional.empty();
        };
    }

    @Override
    public Object call(Object function, List<Object> arguments) {
        return switch ((Function) function) {
            case ORDERED_DICT -> ordered(arguments);
            case TENSOR -> {
                Memory memory = (Memory) arguments.get(0);
                yield new Stored(memory.key, memory.type, memory.size, (Long) arguments.get(1),
                        (List<?>) arguments.get(2), (List<?>) arguments.get(3));
            }
            case PARAMETER -> arguments.get(0);
            case SIZE -> arguments.isEmpty() ? List.of() : (List<?>) arguments.get(0);
            case DEVICE -> arguments.get(0);
            case ENCODE -> ((String) arguments.get(0)).getBytes(StandardCharsets.ISO_8859_1);
        };
    }

    private static Map<Object, Object> ordered(List<Object> arguments) {
        Map<Object, Object> map = new LinkedHashMap<>();
        if (!arguments.isEmpty()) {
            for (Object pair : (List<?>) arguments.get(0)) {
                map.put((String) ((List<?>) pair).get(0), ((List<?>) pair).get(1));
            }
        }
        return map;
    }

    /** {@code ("storage", type, key, place, number of elements)}. */
    @Override
    public Object persistent(Object id) {
        List<?> parts = (List<?>) id;
        Optional<Encoding> type = STORAGES.get(((Word) parts.get(1)).name());
        return new Memory((String) parts.get(2), type == null ? Optional.empty() : type, (Long) parts.get(4));
    }

    /**
     * The values of a tensor.
     *
     * @param name for messages
     * @throws UserError if it reaches beyond its memory, or holds no floating-point numbers
     */
    TensorData data(String name, Stored tensor) {
        Encoding type = tensor.type.orElseThrow(() -> file.wrong("tensor " + MappedFile.shown(name)
                + " holds no floating-point numbers of 16, 32 or 64 bits", "Convert it first"));
        MemorySegment memory = zip.bytes(folder + "data/" + tensor.key);
        int rank = tensor.dims.size();
        if (rank > MOST_DIMENSIONS || tensor.strides.size() != rank) {
            throw bad(name, "has " + rank + " dimensions and " + tensor.strides.size() + " strides");
        }
        int[] dims = new int[rank];
        long[] strides = new long[rank];
        long last = tensor.offset;
        long dense = 1;
        boolean rowMajor = true;
        try {
            for (int axis = rank - 1; axis >= 0; axis--) {
                dims[axis] = Math.toIntExact((Long) tensor.dims.get(axis));
                strides[axis] = (Long) tensor.strides.get(axis);
                rowMajor &= dims[axis] == 1 || strides[axis] == dense;
                dense = Math.multiplyExact(dense, (long) dims[axis]);
                last = Math.addExact(last, Math.multiplyExact(Math.max(0, dims[axis] - 1L), strides[axis]));
                if (strides[axis] < 0) {
                    throw new ArithmeticException();
                }
            }
            Shape shape = Shape.of(dims);
            long there = memory.byteSize() / type.blockBytes();
            if (tensor.offset >= 0 && (shape.size() == 0 || last < there) && shape.size() <= there) {
                return new TensorData(memory, type, shape, tensor.offset, rowMajor ? null : strides);
            }
        } catch (ArithmeticException | ClassCastException | IllegalArgumentException _) {
            // the error below says so
        }
        throw bad(name,
                String.format(Locale.ROOT, "(shape %s, strides %s, offset %d) does not fit its memory of %d bytes",
                        shown(tensor.dims), shown(tensor.strides),
                        tensor.offset,
                        memory.byteSize()));
    }

    /** A list that holds others, or itself, may have a text without end. */
    private static String shown(List<?> numbers) {
        return numbers.stream().allMatch(Long.class::isInstance) ? MappedFile.shown(numbers.toString())
                : "of what are no numbers";
    }

    private UserError bad(String name, String what) {
        return file.broken("tensor " + MappedFile.shown(name) + " " + what);
    }
}
