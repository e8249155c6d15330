// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.option;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Declares one setting. Start from a factory such as {@link #count}; {@link #must} and {@link #defaultsTo} return a changed
 * copy. Messages name the option by its words, never by a flag.
 *
 * @param name in words: "max iters"
 * @param label stands for the value in help texts: N
 * @param help one line that says what the option does, without its default
 * @param type of the value: Integer, Long, Double, Boolean, String, Path or an enum
 * @param kind the type in words: "a whole number"
 * @param reader makes a value from its text, or throws IllegalArgumentException
 * @param rule which values are allowed, worded to follow "must": "be at least 1"
 * @param holds tells whether a value follows the rule
 * @param defaultWords what happens if the option is not given, for help texts; null if it must be given
 * @param computed the default, from the other values; null if an option that is not given has no value
 */
public record Option<T>(String name, String label, String help, Class<T> type, String kind, Function<String, T> reader,
        String rule, Predicate<T> holds, String defaultWords, Function<OptionValues, T> computed) {
    private static <T> Option<T> of(String name, String label, String help, Class<T> type, String kind,
            Function<String, T> reader, Predicate<T> holds) {
        return new Option<>(name, label, help, type, kind, reader, "be " + kind, holds, null, null);
    }

    /** A whole number. */
    public static Option<Integer> count(String name, String help) {
        return of(name, "N", help, Integer.class, "a whole number", Integer::valueOf, _ -> true);
    }

    /** A whole number of 64 bits. */
    public static Option<Long> seed(String name, String help) {
        return of(name, "S", help, Long.class, "a whole number", Long::valueOf, _ -> true);
    }

    /** A finite number. */
    public static Option<Double> number(String name, String label, String help) {
        return of(name, label, help, Double.class, "a finite number", Double::valueOf, Double::isFinite);
    }

    /** Any text. */
    public static Option<String> text(String name, String label, String help) {
        return of(name, label, help, String.class, "a text", text -> text, _ -> true);
    }

    /** A file or folder. */
    public static Option<Path> path(String name, String label, String help) {
        return of(name, label, help, Path.class, "a path", Path::of, path -> !path.toString().isBlank());
    }

    /** Off unless it is switched on: "true" or "false" as text. */
    public static Option<Boolean> flag(String name, String help) {
        return of(name, "BOOL", help, Boolean.class, "true or false", text -> switch (text.toLowerCase(Locale.ROOT)) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException();
        }, _ -> true).defaultsTo(false);
    }

    /** One of {@code values}, each written as its {@code toString}. */
    public static <E extends Enum<E>> Option<E> choice(String name, String label, String help, E[] values) {
        String words = Arrays.stream(values).map(Object::toString).collect(Collectors.joining(" or "));
        return of(name, label, help, values[0].getDeclaringClass(), words, text -> Arrays.stream(values)
                .filter(v -> v.toString().equals(text)).findFirst().orElseThrow(IllegalArgumentException::new),
                _ -> true);
    }

    /** With one more rule, for example {@code must("be below 1", v -> v < 1)}. */
    public Option<T> must(String words, Predicate<T> follows) {
        return new Option<>(name, label, help, type, kind, reader, words, holds.and(follows), defaultWords, computed);
    }

    /** With a default. */
    public Option<T> defaultsTo(T value) {
        return defaultsTo(value.toString().replaceFirst("\\.0$", ""), _ -> value);
    }

    /** With a default that is computed from other options, or none ({@code value} null); {@code words} explain it. */
    public Option<T> defaultsTo(String words, Function<OptionValues, T> value) {
        return new Option<>(name, label, help, type, kind, reader, rule, holds, words, value);
    }

    /** Name on a command line and in a method's specification: "max-iters". */
    public String key() {
        return name.replace(' ', '-');
    }

    /** Name of the field in JSON: "max_iters". */
    public String jsonName() {
        return name.replace(' ', '_');
    }

    /**
     * The value that {@code text} means.
     *
     * @throws OptionError if it is of another type or breaks the rule
     */
    public T parse(String text) {
        T value;
        try {
            value = reader.apply(text);
        } catch (IllegalArgumentException _) {
            throw new OptionError(this, text, "must be " + kind);
        }
        return check(value);
    }

    /**
     * Returns {@code value}.
     *
     * @throws OptionError if it breaks the rule
     */
    public T check(T value) {
        if (!holds.test(value)) {
            throw new OptionError(this, value, "must " + rule);
        }
        return value;
    }

    /** The name. */
    @Override
    public String toString() {
        return name;
    }
}
