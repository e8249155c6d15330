// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.option;

import io.eslm.tensor.UserError;

/**
 * Reports a value that an option cannot have: "max iters 0: must be at least 1". A program that shows options under other names
 * puts them in with {@link #messageFor}.
 */
public final class OptionError extends UserError {
    private static final long serialVersionUID = 1L;
    private static final int LONGEST_VALUE = 300;
    private static final int LONGEST_PROBLEM = 1000;

    private final transient Option<?> option;
    private final String rest;

    /** "OPTION VALUE: problem"; a null value is left out. */
    public OptionError(Option<?> option, Object value, String problem) {
        this(option, (value == null ? "" : " " + within(LONGEST_VALUE, value.toString())) + ": "
                + within(LONGEST_PROBLEM, problem), (Throwable) null);
    }

    /** "OPTION VALUE: problem", where {@code cause} is about the value and its message begins with it. */
    public OptionError(Option<?> option, UserError cause) {
        this(option, " " + cause.getMessage(), cause);
    }

    private OptionError(Option<?> option, String rest, Throwable cause) {
        super(option + rest, cause);
        this.option = option;
        this.rest = rest;
    }

    /** A resumed run was given {@code now}, but it started with {@code then}. */
    public static OptionError changed(Option<?> option, Object now, Object then) {
        return new OptionError(option, now, startedWith(then));
    }

    /** This error about another option. */
    public OptionError of(Option<?> other) {
        return new OptionError(other, rest, this);
    }

    /** The problem of {@link #changed}. */
    public static String startedWith(Object then) {
        return "the run started with " + then
                + ", and a resumed run keeps its options. Omit the option, or start a new run in another folder";
    }

    /** The option. */
    public Option<?> option() {
        return option;
    }

    /** The message with another name in place of the option's words. */
    public String messageFor(String name) {
        return name + rest;
    }
}
