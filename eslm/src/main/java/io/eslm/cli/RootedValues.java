// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.compare.Comparer;
import io.eslm.gpt2.data.DataSpec;
import io.eslm.gpt2.option.Option;
import io.eslm.run.Run;
import io.eslm.run.TaskPlan;
import io.eslm.select.Methods;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/** Values of options for a process that works in another folder: the files and folders in them are named from the root. */
final class RootedValues {
    /** Options whose value may be a word of the program's, or name a file. */
    private static final Set<String> WORDS_OR_FILES =
            Set.of(Run.TOKENIZER.key(), TrainCommand.INIT_FROM.key());

    private RootedValues() {
    }

    /** The value {@code text} of {@code option}. */
    static String of(Option<?> option, String text) {
        if (option.type() == Path.class) {
            return rooted(text);
        }
        String key = option.key();
        if (DeclaredOptions.SOURCES.contains(key)) {
            return DataSpec.rooted(text);
        }
        if (key.equals(TaskPlan.TASKS.key())) {
            return text.lines().map(line -> afterEquals(line)).collect(Collectors.joining("\n"));
        }
        if (key.equals(Run.METHOD.key())) {
            return method(text);
        }
        return WORDS_OR_FILES.contains(key) && isThere(text) ? rooted(text) : text;
    }

    /** A method with its settings. */
    static String method(String spec) {
        int colon = spec.indexOf(':');
        if (colon < 0) {
            return spec;
        }
        String name = spec.substring(0, colon);
        return name + ':' + Arrays.stream(spec.substring(colon + 1).split(",(?=[a-z0-9-]*=)"))
                .map(pair -> namesFile(name, pair.replaceFirst("=.*", "")) ? afterEquals(pair) : pair)
                .collect(Collectors.joining(","));
    }

    private static boolean namesFile(String method, String key) {
        return key.equals(Comparer.TOKENIZER.key()) || Methods.all().stream().filter(m -> m.name().equals(method))
                .flatMap(m -> m.options().find(key).stream()).anyMatch(option -> option.type() == Path.class);
    }

    private static String afterEquals(String pair) {
        int equals = pair.indexOf('=');
        String value = pair.substring(equals + 1);
        return equals >= 0 && isThere(value) ? pair.substring(0, equals + 1) + rooted(value) : pair;
    }

    private static String rooted(String path) {
        return Path.of(path).toAbsolutePath().toString();
    }

    private static boolean isThere(String text) {
        try {
            return !text.isEmpty() && Files.exists(Path.of(text));
        } catch (InvalidPathException _) {
            return false;
        }
    }
}
