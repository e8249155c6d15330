// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.format;

import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads plain data from a Python pickle: dictionaries (with keys in order), lists, tuples (as lists), strings, bytes, numbers
 * ({@link Long}, {@link BigInteger}, {@link Double}), booleans and None (null). No class is loaded and no function is called: what a
 * pickle asks for by name is refused, unless {@link Names} says what it stands for.
 */
public final class Pickle {
    /** A dictionary of all characters, or of a model's tensors, is smaller; each byte may become an object of some 40. */
    static final int MOST_BYTES = 8 << 20;
    private static final Object MARK = new Object();
    private static final int LONGEST_NAME = 100;

    private static final Pattern ESCAPE = Pattern.compile("\\\\u([0-9a-fA-F]{4})|\\\\U([0-9a-fA-F]{8})");

    /** The meaning of the names in a pickle, each one known beforehand. */
    public interface Names {
        /** What {@code name} (module, dot, name) stands for; empty if it is not known. */
        Optional<Object> global(String name);

        /**
         * What {@code function}, which {@link #global} has returned, makes of {@code arguments}.
         *
         * @throws ClassCastException if they are none for it; or IndexOutOfBoundsException, if they are too few
         */
        Object call(Object function, List<Object> arguments);

        /** What is kept outside of the pickle under {@code id}. */
        Object persistent(Object id);
    }

    private static final Names NONE = new Names() {
        @Override
        public Optional<Object> global(String name) {
            return Optional.empty();
        }

        @Override
        public Object call(Object function, List<Object> arguments) {
            throw new ClassCastException("call");
        }

        @Override
        public Object persistent(Object id) {
            throw new ClassCastException("persistent");
        }
    };

    private final Path file;
    private final Names names;
    private final ByteBuffer in;
    private static final int MOST_DIGITS = 1000;
    private final List<Object> stack = new ArrayList<>();
    private final Map<Integer, Object> memo = new HashMap<>();

    private Pickle(Path file, byte[] bytes, Names names) {
        this.file = file;
        this.names = names;
        in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** @throws UserError if the file cannot be read, is damaged, or holds more than plain data */
    public static Object read(Path file) {
        try {
            if (Files.size(file) > MOST_BYTES) {
                throw new UserError(file + ": has " + Files.size(file) + " bytes, too many for a pickle of plain data");
            }
            return of(file, Files.readAllBytes(file));
        } catch (IOException e) {
            throw FileErrors.failed("read", file, e);
        }
    }

    /** {@link #read} from bytes; {@code file} is for messages. */
    public static Object of(Path file, byte[] bytes) {
        return of(file, bytes, NONE);
    }

    /** {@link #of(Path, byte[])}, where some names have a meaning. */
    public static Object of(Path file, byte[] bytes, Names names) {
        Pickle pickle = new Pickle(file, bytes, names);
        try {
            return pickle.run();
        } catch (BufferUnderflowException | IndexOutOfBoundsException e) {
            throw pickle.damaged("ends too early");
        } catch (ClassCastException | NullPointerException | NumberFormatException | NoSuchElementException e) {
            throw pickle.damaged("is inconsistent");
        }
    }

    private UserError damaged(String how) {
        return new UserError(file + ": is no whole pickle; it " + how + " at byte " + in.position());
    }

    private Object run() {
        while (true) {
            int code = in.get();
            if (code == '.') {
                return pop();
            }
            step(code & 0xFF);
        }
    }

    private void step(int code) {
        switch (code) {
            case 0x80 -> in.get(); // PROTO
            case 0x95 -> in.getLong(); // FRAME
            case '(' -> stack.add(MARK);
            case 'N' -> stack.add(null);
            case 0x88 -> stack.add(true);
            case 0x89 -> stack.add(false);
            case 'K' -> stack.add((long) (in.get() & 0xFF));
            case 'M' -> stack.add((long) (in.getShort() & 0xFFFF));
            case 'J' -> stack.add((long) in.getInt());
            case 'I' -> stack.add(number(line()));
            case 'L' -> stack.add(number(line().replaceFirst("L$", "")));
            case 0x8A -> stack.add(number(new BigInteger(reversed(bytes(in.get() & 0xFF)))));
            case 'G' -> stack.add(Double.longBitsToDouble(Long.reverseBytes(in.getLong())));
            case 'F' -> stack.add(Double.valueOf(line()));
            case 'X' -> stack.add(text(in.getInt()));
            case 0x8C -> stack.add(text(in.get() & 0xFF));
            case 0x8D -> stack.add(text(length(in.getLong())));
            case 'V' -> stack.add(unescaped(line()));
            case 'S' -> stack.add(unquoted(line()));
            case 'U' -> stack.add(new String(bytes(in.get() & 0xFF), StandardCharsets.ISO_8859_1));
            case 'T' -> stack.add(new String(bytes(in.getInt()), StandardCharsets.ISO_8859_1));
            case 'C' -> stack.add(bytes(in.get() & 0xFF));
            case 'B' -> stack.add(bytes(in.getInt()));
            case '}' -> stack.add(new LinkedHashMap<>());
            case ']', ')' -> stack.add(new ArrayList<>());
            case 'd' -> stack.add(put(new LinkedHashMap<>(), marked()));
            case 'l', 't' -> stack.add(new ArrayList<>(marked()));
            case 's' -> setItem();
            case 'u' -> putAll();
            case 'a' -> append();
            case 'e' -> appendAll();
            case 0x85, 0x86, 0x87 -> tuple(code - 0x84);
            case 0x94 -> memo.put(memo.size(), top());
            case 'q' -> memo.put(in.get() & 0xFF, top());
            case 'r' -> memo.put(in.getInt(), top());
            case 'p' -> memo.put(Integer.valueOf(line()), top());
            case 'h' -> recall(in.get() & 0xFF);
            case 'j' -> recall(in.getInt());
            case 'g' -> recall(Integer.parseInt(line()));
            case 'c' -> global(line() + "." + line());
            case 0x93 -> {
                Object name = pop();
                global(pop() + "." + name);
            }
            case 'R', 0x81 -> call();
            case 'b' -> build();
            case 'Q' -> recallOutside();
            case '0' -> pop();
            case '2' -> stack.add(top());
            default -> throw refused(code);
        }
    }

    private UserError refused(int code) {
        return refused(switch (code) {
            case 'i', 'o', 0x92, 'P', 0x82, 0x83, 0x84 -> "would load a class or call a function";
            default -> String.format(Locale.ROOT, "has an instruction 0x%02X", code);
        });
    }

    private UserError refused(String what) {
        return new UserError(
                file + ": holds more than plain data, and is not read: at byte " + in.position() + " it " + what);
    }

    private void global(String name) {
        stack.add(names.global(name)
                .orElseThrow(() -> refused("would load a class or call a function: " + shown(name))));
    }

    private static String shown(String name) {
        return UserError.within(LONGEST_NAME, name);
    }

    private void call() {
        List<?> arguments = (List<?>) pop();
        Object function = pop();
        try {
            stack.add(names.call(function, new ArrayList<>(arguments)));
        } catch (IndexOutOfBoundsException e) {
            throw damaged("calls a function with too few arguments");
        }
    }

    /** Gives an object its attributes; those of a dictionary, the only kind that has some here, say nothing about its entries. */
    private void build() {
        pop();
        topMap();
    }

    private void recallOutside() {
        Object id = pop();
        try {
            stack.add(names.persistent(id));
        } catch (IndexOutOfBoundsException e) {
            throw damaged("names memory in an unknown way");
        }
    }

    private Object pop() {
        return stack.removeLast();
    }

    private Object top() {
        return stack.getLast();
    }

    @SuppressWarnings("unchecked")
    private Map<Object, Object> topMap() {
        if (!(top() instanceof Map)) {
            throw damaged("puts an entry into what is no dictionary");
        }
        return (Map<Object, Object>) top();
    }

    @SuppressWarnings("unchecked")
    private List<Object> topList() {
        if (!(top() instanceof List)) {
            throw damaged("appends to what is no list");
        }
        return (List<Object>) top();
    }

    /** The values above the last mark, which goes. */
    private List<Object> marked() {
        int at = stack.size() - 1;
        while (stack.get(at) != MARK) {
            at--;
        }
        List<Object> values = new ArrayList<>(stack.subList(at + 1, stack.size()));
        stack.subList(at, stack.size()).clear();
        return values;
    }

    /** A key is a string or a number, as in every file that we know; hashing a list that contains itself would not end. */
    private static void put(Map<Object, Object> map, Object key, Object value) {
        if (!(key == null || key instanceof String || key instanceof Number || key instanceof Boolean)) {
            throw new ClassCastException("key");
        }
        map.put(key, value);
    }

    private static Map<Object, Object> put(Map<Object, Object> map, List<Object> pairs) {
        for (int i = 0; i < pairs.size(); i += 2) {
            put(map, pairs.get(i), pairs.get(i + 1));
        }
        return map;
    }

    private void setItem() {
        Object value = pop();
        Object key = pop();
        put(topMap(), key, value);
    }

    private void putAll() {
        List<Object> pairs = marked();
        put(topMap(), pairs);
    }

    private void append() {
        Object value = pop();
        topList().add(value);
    }

    private void appendAll() {
        List<Object> values = marked();
        topList().addAll(values);
    }

    private void tuple(int n) {
        List<Object> values = new ArrayList<>(stack.subList(stack.size() - n, stack.size()));
        stack.subList(stack.size() - n, stack.size()).clear();
        stack.add(values);
    }

    private void recall(int i) {
        if (!memo.containsKey(i)) {
            throw damaged("recalls value " + i + ", which it never stored,");
        }
        stack.add(memo.get(i));
    }

    private int length(long n) {
        if (n < 0 || n > in.remaining()) {
            throw damaged("has a string of " + n + " bytes");
        }
        return (int) n;
    }

    private byte[] bytes(int n) {
        byte[] bytes = new byte[length(n)];
        in.get(bytes);
        return bytes;
    }

    private static byte[] reversed(byte[] bytes) {
        byte[] out = new byte[Math.max(1, bytes.length)];
        for (int i = 0; i < bytes.length; i++) {
            out[out.length - 1 - i] = bytes[i];
        }
        return out;
    }

    private String text(int n) {
        return new String(bytes(n), StandardCharsets.UTF_8);
    }

    private String line() {
        var line = new StringBuilder();
        for (int c = in.get(); c != '\n'; c = in.get()) {
            line.append((char) (c & 0xFF));
        }
        return line.toString();
    }

    /** Protocol 0 writes characters above 255, line ends and backslashes as escapes. */
    private static String unescaped(String line) {
        return ESCAPE.matcher(line).replaceAll(m -> {
            int c = Integer.parseInt(m.group(1) == null ? m.group(2) : m.group(1), 16);
            return Matcher.quoteReplacement(Character.isValidCodePoint(c) ? Character.toString(c) : "\uFFFD");
        });
    }

    /** A string of Python 2: its {@code repr}. */
    private String unquoted(String line) {
        if (line.length() < 2 || line.charAt(0) != line.charAt(line.length() - 1) || line.indexOf('\\') >= 0) {
            throw damaged("has a string " + line.length() + " long that is not between quotes, or has escapes,");
        }
        return line.substring(1, line.length() - 1);
    }

    /** {@code 00} and {@code 01} are how protocol 0 writes booleans. */
    private static Object number(String digits) {
        if (digits.length() > MOST_DIGITS) { // reading one takes the square of them
            throw new NumberFormatException("a number of " + digits.length() + " digits");
        }
        return switch (digits) {
            case "00" -> false;
            case "01" -> true;
            default -> number(new BigInteger(digits));
        };
    }

    private static Object number(BigInteger value) {
        return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
    }
}
