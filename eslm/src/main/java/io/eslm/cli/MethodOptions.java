// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.select.MethodSetting;
import io.eslm.select.MethodSpec;
import io.eslm.select.Methods;
import io.eslm.tensor.UserError;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.IGetter;
import picocli.CommandLine.Model.ISetter;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Which tokens to train on: the method, and one option for each {@link MethodSetting}. */
final class MethodOptions {
    @Option(names = "--method", paramLabel = "NAME",
            description = "a name from the list below, with settings if you like: NAME:key=value,key=value (default: "
                    + TrainDefaults.METHOD + ")")
    private String method;
    private final Map<MethodSetting, String> given = new EnumMap<>(MethodSetting.class);

    @Spec(Spec.Target.MIXEE)
    void addTo(CommandSpec command) {
        for (MethodSetting s : MethodSetting.values()) {
            command.addOption(OptionSpec.builder(names(s)).type(String.class)
                    .paramLabel(s.label()).userObject(s)
                    .description(s.help() + (s.otherwise() == null ? "" : " (default: " + s.otherwise() + ")"))
                    .getter(new Value(s)).setter(new Value(s)).build());
        }
        List<String> footer = new ArrayList<>(List.of("", "Methods and their settings:"));
        Methods.names().forEach(name -> footer.add(String.format(Locale.ROOT, "  %-18s %s", name,
                Methods.settings(name).stream().map(s -> keyOf(name, s)).collect(Collectors.joining(", ")))));
        footer.addAll(List.of(command.usageMessage().footer()));
        command.usageMessage().footer(footer.toArray(String[]::new));
    }

    /** With the default where the method has one of its own. */
    private static String keyOf(String method, MethodSetting s) {
        String otherwise = Methods.otherwise(method, s);
        return Objects.equals(otherwise, s.otherwise()) ? s.key() : s.key() + " (default: " + otherwise + ")";
    }

    /** {@code --alpha-end}, {@code --alpha_end}. */
    private static String[] names(MethodSetting s) {
        return Stream.of(s.option(), "--" + s.key().replace('-', '_')).distinct().toArray(String[]::new);
    }

    /** Keeps an option where the map has its setting. */
    private final class Value implements ISetter, IGetter {
        private final MethodSetting setting;

        Value(MethodSetting setting) {
            this.setting = setting;
        }

        @Override
        @SuppressWarnings("unchecked") // picocli's signature; the type of the option is String
        public <T> T get() {
            return (T) given.get(setting);
        }

        @Override
        @SuppressWarnings("unchecked")
        public <T> T set(T value) {
            return (T) (value == null ? given.remove(setting) : given.put(setting, (String) value));
        }
    }

    /** For a new run. */
    MethodSpec fresh() {
        return MethodSpec.parse(method == null ? TrainDefaults.METHOD : method, given);
    }

    /**
     * For a run that goes on: as it began.
     *
     * @throws UserError if something else was asked for
     */
    MethodSpec resumed(MethodSpec saved) {
        boolean same = method == null || method.equals(saved.name());
        MethodSpec now = MethodSpec.parse(same ? saved.toString() : method, given);
        if (!now.name().equals(saved.name())) {
            throw changed("--method " + now.name(), saved.name());
        }
        MethodSetting other = now.firstDifference(saved);
        if (other != null) {
            throw changed(other.option() + " " + now.text(other), saved.text(other));
        }
        return saved;
    }

    private static UserError changed(String asked, String saved) {
        return new UserError(
                asked + ": the run was begun with " + saved + ", and a resumed run must go on as it began; "
                        + "leave the option out, or start anew with another --out-dir");
    }
}
