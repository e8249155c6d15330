// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.tensor.io.AtomicFiles;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.tomlj.Toml;
import picocli.CommandLine;

/** Settings from a file, and into one, in TOML. */
final class ConfigOptions {
    // Arguments has put its settings in its place by then; this is for the help.
    @CommandLine.Option(names = ConfigFile.FLAG, paramLabel = "FILE",
            description = "take settings from a TOML file: max_iters = 100; options on the command line count more")
    @SuppressWarnings("UnusedVariable")
    private String config;
    @CommandLine.Option(names = {"--save-config", "--save_config"}, paramLabel = "FILE",
            description = "write all settings that hold into a TOML file, for --config")
    private String file;

    /** True if the settings are to be written. */
    boolean saves() {
        return file != null;
    }

    /** The option as a word of a command line, if it was given, with the file named from the root. */
    Optional<String> word() {
        return Optional.ofNullable(file).map(f -> "--save-config=" + Path.of(f).toAbsolutePath());
    }

    /** Writes {@code settings}, if the user wants it; returns where to. */
    Optional<Path> save(Settings settings) {
        Optional<Path> path = Optional.ofNullable(file).map(Path::of);
        path.ifPresent(p -> AtomicFiles.writeString(p, settings.text.toString()));
        return path;
    }

    /** The text of a file of settings. */
    static final class Settings {
        private final StringBuilder text = new StringBuilder();

        Settings(String command) {
            text.append("# eslm ").append(command).append(" --config FILE repeats it, in a new folder.\n")
                    .append("# A setting after # follows from the others.\n");
        }

        /** Begins a list. */
        Settings heading(String heading) {
            text.append("\n# ").append(heading).append('\n');
            return this;
        }

        /** A setting; a list of one text is that text. */
        Settings put(Option<?> option, Object value) {
            return put("", option, value);
        }

        private Settings put(String mark, Option<?> option, Object value) {
            text.append(mark).append(option.jsonName()).append(" = ").append(toml(value)).append('\n');
            return this;
        }

        /** The settings that were given, as texts. */
        Settings put(Map<Option<?>, String> given) {
            given.forEach((option, value) -> put(option, option.parse(value)));
            return this;
        }

        /** The settings that were given, as texts; those of several lines as lists. */
        Settings putLines(Map<Option<?>, String> given) {
            given.forEach((option, value) -> put(option,
                    option.type() == String.class ? value.lines().toList() : option.parse(value)));
            return this;
        }

        /** All of {@code options} that have a value. */
        Settings put(List<Option<?>> options, OptionValues values) {
            options.forEach(option -> values.find(option).ifPresent(value -> put(
                    values.isSet(option) || Objects.equals(option.defaultWords(), text(value)) ? "" : "# ", option,
                    value)));
            return this;
        }

        private static String text(Object value) {
            return value.toString().replaceFirst("\\.0$", "");
        }

        private static String toml(Object value) {
            return switch (value) {
                case Boolean b -> b.toString();
                case Number n -> n.toString();
                case List<?> list when list.size() == 1 -> toml(list.getFirst());
                case List<?> list -> list.stream().map(Settings::toml).collect(Collectors.joining(", ", "[", "]"));
                default -> '"' + Toml.tomlEscape(value.toString()).toString() + '"';
            };
        }
    }
}
