// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

/**
 * Bad input from outside (an option, a file, a machine too small). The message says what is wrong, where, and what to
 * do; a program shows it without a stack trace. Mistakes of a programmer are {@link IllegalArgumentException}s from
 * {@link Checks}.
 */
public class UserError extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public UserError(String message) {
        super(message);
    }

    public UserError(String message, Throwable cause) {
        super(message, cause);
    }

    /** {@code rule} must hold, else the message is {@code message} with its {@code %s} replaced by {@code args}. */
    public static void check(boolean rule, String message, Object... args) {
        if (!rule) {
            throw new UserError(String.format(message, args));
        }
    }
}
