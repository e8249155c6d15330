// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

/**
 * Bad input from outside (an option, a file, a machine too small). The message says what is wrong, where, and what to
 * do; a program shows it without a stack trace. Mistakes of a programmer are {@link IllegalArgumentException}s from
 * {@link Checks}.
 */
public class UserError extends RuntimeException {
    private static final long serialVersionUID = 1L;
    /** A message repeats what the user wrote, which may be long: of each longer one the beginning and the end stay. */
    private static final int LONGEST = 3000;

    public UserError(String message) {
        super(readable(message));
    }

    public UserError(String message, Throwable cause) {
        super(readable(message), cause);
    }

    private static String readable(String message) {
        return message.length() <= LONGEST ? message
                : within(LONGEST / 2, message) + " " + message.substring(cut(message, message.length() - LONGEST / 2));
    }

    /** The first {@code limit} chars of {@code text} and "…", or all of it if there are no more. */
    public static String within(int limit, String text) {
        return text.length() <= limit ? text : text.substring(0, cut(text, limit)) + "…";
    }

    /** {@code at}, or one less where a surrogate pair would be cut in two. */
    private static int cut(String text, int at) {
        return Character.isLowSurrogate(text.charAt(at)) && Character.isHighSurrogate(text.charAt(at - 1)) ? at - 1
                : at;
    }

    /** {@code rule} must hold, else the message is {@code message} with its {@code %s} replaced by {@code args}. */
    public static void check(boolean rule, String message, Object... args) {
        if (!rule) {
            throw new UserError(String.format(message, args));
        }
    }
}
