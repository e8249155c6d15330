// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import io.eslm.tensor.UserError;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * A method and its settings. As text {@code NAME[:key=value[,key=value…]]}, for example
 * {@code hierarchical:risk=entropy,alpha=0.1,instance-alpha=0.25}; keys are those of {@link MethodSetting}, and what is left out has
 * its default. Equal if all settings are. {@link Methods} makes the loss.
 */
public final class MethodSpec {
    private final String name;
    /** Those that the method has and that are set, typed, in the method's order. */
    private final Map<MethodSetting, Object> values;

    private MethodSpec(String name, Map<MethodSetting, Object> values) {
        this.name = name;
        this.values = values;
    }

    /**
     * From text.
     *
     * @throws UserError if there is no such method, it lacks a setting that it needs, has none of that key, or not with that
     *         value
     */
    public static MethodSpec parse(String text) {
        return parse(text, Map.of());
    }

    /** The same with more settings, which win over those in {@code text}. */
    public static MethodSpec parse(String text, Map<MethodSetting, String> more) {
        int colon = text.indexOf(':');
        Map<MethodSetting, String> given = new EnumMap<>(MethodSetting.class);
        if (colon >= 0) {
            // A comma within a path is no separator: behind one stands a key.
            for (String pair : text.substring(colon + 1).split(",(?=[a-z-]*=)")) {
                int equals = pair.indexOf('=');
                if (equals < 0) {
                    throw new UserError("--method " + text + ": '" + pair + "' has no '='; the form is "
                            + "NAME:key=value,key=value");
                }
                String before = given.put(setting(text, pair.substring(0, equals)), pair.substring(equals + 1));
                if (before != null) {
                    throw new UserError(
                            "--method " + text + ": '" + pair.substring(0, equals) + "' stands there twice");
                }
            }
        }
        given.putAll(more);
        return of(colon < 0 ? text : text.substring(0, colon), given);
    }

    /** From a name and the settings that differ from their defaults, as text. */
    public static MethodSpec of(String name, Map<MethodSetting, String> given) {
        List<MethodSetting> settings = Methods.settings(name);
        for (MethodSetting s : given.keySet()) {
            if (!settings.contains(s)) {
                throw new UserError(s.option() + " " + given.get(s) + ": method " + name + " does not use it; "
                        + (settings.isEmpty() ? "it has no settings" : "its settings are " + settings.stream()
                                .map(MethodSetting::key).collect(Collectors.joining(", "))));
            }
        }
        Map<MethodSetting, Object> values = new LinkedHashMap<>();
        for (MethodSetting s : settings) {
            String value = given.getOrDefault(s, Methods.otherwise(name, s));
            if (value != null) {
                values.put(s, s.parse(value));
            } else if (s.isNeeded()) {
                throw new UserError(s.option() + ": method " + name + " needs it: " + s.help());
            }
        }
        MethodSpec spec = new MethodSpec(name, values);
        if (spec.has(MethodSetting.GAMMA)) {
            spec.feedback(); // checks that its numbers fit each other
        }
        return spec;
    }

    private static MethodSetting setting(String text, String key) {
        for (MethodSetting s : MethodSetting.values()) {
            if (s.key().equals(key)) {
                return s;
            }
        }
        String name = text.substring(0, text.indexOf(':'));
        throw new UserError("--method " + text + ": '" + key + "' is no setting; those of " + name + " are "
                + Methods.settings(name).stream().map(MethodSetting::key).collect(Collectors.joining(", ")));
    }

    /** The method, one of {@link Methods#names}. */
    public String name() {
        return name;
    }

    boolean has(MethodSetting setting) {
        return values.containsKey(setting);
    }

    double number(MethodSetting setting) {
        return (Double) values.get(setting);
    }

    int count(MethodSetting setting) {
        return (Integer) values.get(setting);
    }

    Risk risk(MethodSetting setting) {
        return (Risk) values.get(setting);
    }

    BatchCounts draw() {
        return (BatchCounts) values.get(MethodSetting.DRAW);
    }

    Path folder(MethodSetting setting) {
        return (Path) values.get(setting);
    }

    /** α over the run. */
    AlphaSchedule alpha() {
        double from = number(MethodSetting.ALPHA);
        return new AlphaSchedule(from, has(MethodSetting.ALPHA_END) ? number(MethodSetting.ALPHA_END) : from);
    }

    /** The level over the run that keeps the wanted share. */
    AlphaSchedule alphaOfKept() {
        double from = number(MethodSetting.KEEP_RATIO);
        double to = has(MethodSetting.KEEP_RATIO_END) ? number(MethodSetting.KEEP_RATIO_END) : from;
        return new AlphaSchedule(AlphaSchedule.dropping(from), AlphaSchedule.dropping(to));
    }

    AdaptiveObjective.Feedback feedback() {
        return new AdaptiveObjective.Feedback(number(MethodSetting.ALPHA), number(MethodSetting.GAMMA),
                number(MethodSetting.ALPHA_MIN),
                number(MethodSetting.ALPHA_MAX), count(MethodSetting.INTERVAL));
    }

    EarlyExit earlyExit() {
        return new EarlyExit(count(MethodSetting.EXIT_BLOCKS), count(MethodSetting.EXIT_STRIDE));
    }

    /** The first setting in which {@code other}, of the same method, differs; null if none does. */
    public MethodSetting firstDifference(MethodSpec other) {
        for (MethodSetting s : Methods.settings(name)) {
            if (!Objects.equals(values.get(s), other.values.get(s))) {
                return s;
            }
        }
        return null;
    }

    /** The value of a setting as text; "unset" where it has none. */
    public String text(MethodSetting setting) {
        return has(setting) ? values.get(setting).toString() : "unset";
    }

    /**
     * Short and fit for a file name: the first setting's value, and those of the others that are not the default's:
     * {@code cvar-loss-0.1}.
     */
    public String label() {
        StringBuilder label = new StringBuilder(name);
        boolean first = true;
        for (Map.Entry<MethodSetting, Object> e : values.entrySet()) {
            MethodSetting s = e.getKey();
            String otherwise = Methods.otherwise(name, s);
            if (first || otherwise == null || !e.getValue().equals(s.parse(otherwise))) {
                Object value = e.getValue() instanceof Path p ? name(p.toAbsolutePath().normalize()) : e.getValue();
                label.append('-').append(first ? "" : s.key() + "-").append(value);
            }
            first = false;
        }
        return label.toString();
    }

    /** The last part of a path; of a checkpoint also its run's: {@code clm-step-000600}. */
    private static String name(Path folder) {
        Path parent = folder.getParent();
        boolean checkpoint = parent != null && parent.endsWith("checkpoints") && parent.getParent() != null;
        return (checkpoint ? parent.getParent().getFileName() + "-" : "") + folder.getFileName();
    }

    /** All settings, in the form that {@link #parse} reads. */
    @Override
    public String toString() {
        List<String> pairs = new ArrayList<>();
        values.forEach((s, v) -> pairs.add(s.key() + "=" + v));
        return pairs.isEmpty() ? name : name + ":" + String.join(",", pairs);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof MethodSpec spec && toString().equals(spec.toString());
    }

    @Override
    public int hashCode() {
        return toString().hashCode();
    }
}
