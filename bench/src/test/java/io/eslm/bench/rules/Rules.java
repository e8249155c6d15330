// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.rules;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The rules that the compiler cannot hold; each names the fault and says what to do about it. */
final class Rules {
    static final String SPDX = "// SPDX-License-Identifier: Apache-2.0";
    static final int FILE_LINES = 400;
    static final int FILE_LINES_WITH_REASON = 600;
    static final int METHOD_LINES = 60;

    /** In the order of the dependency arrow; tensor/tornado stands beside it, on tensor alone, and eslm/spark on eslm. */
    static final List<String> MODULES =
            List.of("tensor", "tensor/tornado", "autograd", "gpt2", "eslm", "eslm/spark", "bench");

    /** Who owns {@code io.eslm.<key>}; whatever is not here belongs to eslm. */
    private static final Map<String, String> OWNERS = Map.of("tensor", "tensor", "autograd", "autograd", "gpt2", "gpt2",
            "bench", "bench", "spark", "eslm/spark");

    private static final List<String> ARROW = List.of("tensor", "autograd", "gpt2", "eslm", "bench");

    private static final Pattern OTHER_SPECIES =
            Pattern.compile("SPECIES_(?!PREFERRED)\\w+|VectorSpecies\\.of\\((?!byte\\.class)|VectorShape\\.S_");

    private static final Pattern FLAG = Pattern.compile("(?<![\\w-])--[a-z][a-z-]+");

    /** Of the JVM, which the library may name. */
    private static final Set<String> JVM_FLAGS = Set.of("--add-modules", "--enable-native-access");

    /** The packages that are a command line, and so may name its flags. */
    private static final List<String> COMMAND_LINES =
            List.of("eslm/src/main/java/io/eslm/cli/", "eslm/spark/src/main/java/io/eslm/spark/",
                    "bench/src/main/java/io/eslm/bench/");

    private Rules() {}

    static Stream<String> spdx(Source source) {
        return source.text().startsWith(SPDX)
                ? Stream.of()
                : Stream.of(source.path() + ": the first line must be \"" + SPDX + "\"");
    }

    static Stream<String> arrow(Source source) {
        return source.names().stream()
                .filter(name -> name.startsWith("io.eslm.") && !reachable(source.module(), owner(name)))
                .map(name -> "%s: %s cannot use %s of %s; the arrow is %s. Move the code up, or what it needs down."
                        .formatted(source.path(), source.module(), name, owner(name), String.join(" ← ", ARROW)));
    }

    static Stream<String> seam(Source source) {
        return Stream.of(
                only(source, "org.apache.spark", "eslm/spark/"),
                only(source, "jdk.incubator.vector", "tensor/src/main/java/module-info.java",
                        "tensor/src/main/java/io/eslm/tensor/backend/vector/",
                        "tensor/src/test/java/io/eslm/tensor/backend/vector/"),
                only(source, "uk.ac.manchester.tornado", "tensor/tornado/")).flatMap(faults -> faults);
    }

    /**
     * A species of another width is a second subclass of FloatVector: see Transpose in the vector backend. Bytes have one species of their
     * own, as many as a vector has lanes.
     */
    static Stream<String> species(Source source) {
        return OTHER_SPECIES.matcher(source.inMain() ? source.text() : "").results()
                .map(found -> source.path() + ": " + found.group()
                        + ": only SPECIES_PREFERRED, for with a second width in use "
                        + "the compiler boxes vectors in some of its attempts");
    }

    /** The library names an option by its words; only a command line knows flags. */
    static Stream<String> flags(Source source) {
        return source.inMain() && COMMAND_LINES.stream().noneMatch(source.path()::startsWith)
                ? source.strings().stream().flatMap(text -> FLAG.matcher(text).results()).map(MatchResult::group)
                        .filter(flag -> !JVM_FLAGS.contains(flag))
                        .map(flag -> source.path() + ": the flag " + flag
                                + " belongs in a command line; name the option by its words, or throw an OptionError")
                : Stream.of();
    }

    /** Files and methods over their budget, unless excepted with a reason; and exceptions that nothing needs. */
    static List<String> size(List<Source> sources, Map<String, Integer> exceptions) {
        var faults = new ArrayList<String>();
        var unused = new ArrayList<>(exceptions.keySet());
        for (var source : sources.stream().filter(Source::inMain).toList()) {
            checkSize(source.path(), source.lineCount(), FILE_LINES, exceptions, unused, faults);
            for (var method : source.methods()) {
                checkSize(source.path() + "#" + method.name(), method.lines(), METHOD_LINES, exceptions, unused,
                        faults);
            }
        }
        exceptions.forEach((what, limit) -> {
            if (!what.contains("#") && limit > FILE_LINES_WITH_REASON) {
                faults.add("tools/size-limits.txt: %s may have %d lines at most: split it".formatted(what,
                        FILE_LINES_WITH_REASON));
            }
        });
        unused.forEach(what -> faults.add("tools/size-limits.txt: " + what + " needs no exception: delete the line"));
        return faults;
    }

    private static void checkSize(String what, long lines, int limit, Map<String, Integer> exceptions,
            List<String> unused, List<String> faults) {
        if (lines > limit) {
            unused.remove(what);
        }
        if (lines > exceptions.getOrDefault(what, limit)) {
            faults.add("%s has %d lines (limit %d): split it, or add it to tools/size-limits.txt with a reason"
                    .formatted(what, lines, exceptions.getOrDefault(what, limit)));
        }
    }

    private static String owner(String name) { return OWNERS.getOrDefault(name.split("\\.")[2], "eslm"); }

    private static boolean reachable(String module, String owner) {
        return switch (module) {
            case "tensor/tornado" -> owner.equals("tensor");
            case "eslm/spark" -> owner.equals(module) || reachable("eslm", owner);
            default -> ARROW.contains(owner) && ARROW.indexOf(owner) <= ARROW.indexOf(module);
        };
    }

    private static Stream<String> only(Source source, String api, String... places) {
        return Stream.of(places).anyMatch(source.path()::startsWith)
                ? Stream.of()
                : source.names().stream()
                        .filter(name -> name.equals(api) || name.startsWith(api + "."))
                        .map(name -> "%s: %s belongs in %s alone".formatted(source.path(), name,
                                places[places.length > 1 ? 1 : 0]));
    }
}
