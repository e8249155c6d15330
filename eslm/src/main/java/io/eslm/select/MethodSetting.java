// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import io.eslm.tensor.UserError;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.BiFunction;
import java.util.stream.Collectors;

/**
 * What can be set about methods: the keys of a {@link MethodSpec} and, with two dashes, the options of {@code train}. Which
 * method has which is said in {@link Methods}.
 */
public enum MethodSetting {
    ALPHA("alpha", "A", ValueAtRisk.USUAL_ALPHA, MethodSetting::level,
            "confidence level: about this share of the tokens of a micro-batch is dropped"),
    ALPHA_END("alpha-end", "A", null, MethodSetting::level,
            "confidence level at the last step; every step moves --alpha by the same amount (default: --alpha)"),
    GAMMA("gamma", "G", "1", MethodSetting::positive,
            "gain of the feedback: how strongly a change of the tail risk changes alpha"),
    ALPHA_MIN("alpha-min", "A", "0.01", MethodSetting::level, "least alpha"),
    ALPHA_MAX("alpha-max", "A", "0.5", MethodSetting::level, "largest alpha"),
    INTERVAL("interval", "N", "10", MethodSetting::count, "steps between two changes of alpha"),
    KEEP_RATIO("keep-ratio", "R", "0.7", MethodSetting::share, "share of the tokens of a micro-batch that is kept"),
    KEEP_RATIO_END("keep-ratio-end", "R", null, MethodSetting::share,
            "share that is kept at the last step; every step moves it by the same amount (default: --keep-ratio)"),
    RISK("risk", "RISK", "loss", MethodSetting::risk,
            "what makes a token risky: loss, entropy, or gradient (1 − probability of the target)"),
    RISK_FLOOR("risk-floor", "F", "0.1", MethodSetting::share,
            "no token's risk counts as less than this share of the mean risk"),
    REFERENCE("reference", "DIR", null, MethodSetting::folder, "model folder of the reference model"),
    INSTANCE_ALPHA("instance-alpha", "A", "0.25", MethodSetting::windowLevel,
            "confidence level for windows: about this share of those drawn is dropped before the forward pass"),
    INSTANCE_RISK("instance-risk", "RISK", "loss", MethodSetting::risk,
            "what makes a window risky after the early exit: the mean of loss, entropy or gradient"),
    EXIT_BLOCKS("exit-blocks", "N", "1", MethodSetting::count, "blocks before the early exit"),
    EXIT_STRIDE("exit-stride", "N", "4", MethodSetting::count, "the early exit looks at every N-th token of a window"),
    DRAW("draw", "WHICH", "kept", MethodSetting::draw,
            "which batch has --batch-size windows: the kept or the drawn one"),
    TEACHER("teacher", "DIR", null, MethodSetting::folder, "model folder of the teacher"),
    TEMPERATURE("temperature", "T", "2", MethodSetting::positive, "softens both distributions"),
    KD_WEIGHT("kd-weight", "W", "0.5", MethodSetting::upToOne,
            "mixing weight of the teacher: 0 is the loss alone, 1 the teacher alone");

    private final String key;
    private final String label;
    private final String otherwise;
    private final BiFunction<MethodSetting, String, Object> parser;
    private final String help;

    MethodSetting(String key, String label, String otherwise, BiFunction<MethodSetting, String, Object> parser,
            String help) {
        this.key = key;
        this.label = label;
        this.otherwise = otherwise;
        this.parser = parser;
        this.help = help;
    }

    /** Name in a specification. */
    public String key() {
        return key;
    }

    /** Name as an option. */
    public String option() {
        return "--" + key;
    }

    /** Stands for the value in a help text. */
    public String label() {
        return label;
    }

    /** What is set where neither the user nor the method says anything, as text; null for nothing. */
    public String otherwise() {
        return otherwise;
    }

    /** True if a method that has it cannot do without. */
    boolean isNeeded() {
        return this == REFERENCE || this == TEACHER;
    }

    /** One line of help, without the default. */
    public String help() {
        return help;
    }

    /**
     * A value from its text: Double, Integer, {@link Risk}, {@link BatchCounts} or Path.
     *
     * @throws UserError if it is not one that this setting can have
     */
    Object parse(String text) {
        return parser.apply(this, text);
    }

    private Object level(String text) {
        double value = number(text);
        check(value >= 0 && value < 1, value, ValueAtRisk.LEVEL_RULE);
        return value;
    }

    private Object share(String text) {
        double value = number(text);
        check(value >= 0.001 && value <= 1, value, "must be from 0.001 to 1");
        return value;
    }

    private Object windowLevel(String text) {
        double value = number(text);
        InstanceSelection.checkLevel(value);
        return value;
    }

    private Object upToOne(String text) {
        double value = number(text);
        check(value >= 0 && value <= 1, value, "must be at least 0 and at most 1");
        return value;
    }

    private Object positive(String text) {
        double value = number(text);
        check(value > 0 && value < Double.POSITIVE_INFINITY, value, "must be a number above 0");
        return value;
    }

    private Object count(String text) {
        try {
            int value = Integer.parseInt(text);
            check(value >= 1, value, "must be at least 1");
            return value;
        } catch (NumberFormatException e) {
            throw new UserError(option() + " " + text + ": is not a whole number", e);
        }
    }

    private Object risk(String text) {
        return oneOf(Risk.values(), text);
    }

    private Object draw(String text) {
        return oneOf(BatchCounts.values(), text);
    }

    private Object oneOf(Object[] values, String text) {
        return Arrays.stream(values).filter(v -> v.toString().equals(text)).findFirst()
                .orElseThrow(() -> new UserError(option() + " " + text + ": must be "
                        + Arrays.stream(values).map(Object::toString).collect(Collectors.joining(" or "))));
    }

    private Object folder(String text) {
        try {
            check(!text.isBlank(), text, "must name a model folder");
            return Path.of(text);
        } catch (InvalidPathException e) {
            throw new UserError(option() + " " + text + ": is not a path: " + e.getReason(), e);
        }
    }

    private double number(String text) {
        try {
            return Double.parseDouble(text);
        } catch (NumberFormatException e) {
            throw new UserError(option() + " " + text + ": is not a number", e);
        }
    }

    private void check(boolean rule, Object value, String text) {
        if (!rule) {
            throw new UserError(option() + " " + value + ": " + text);
        }
    }
}
