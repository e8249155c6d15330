// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/** Finds what was meant by a name that is not known: the nearest of those that are, if it is near enough. */
public final class DidYouMean {
    /** Of a folder with more files, only these are looked at. */
    private static final int MOST_FILES = 10_000;
    /** A longer name is none that was mistyped. */
    private static final int LONGEST = 100;
    private static final int SHORTEST_PREFIX = 3;

    private DidYouMean() {
    }

    /** "; did you mean NAME?", or "" if nothing is near. */
    public static String among(Collection<String> known, String given) {
        return nearest(known, given).map(name -> "; did you mean " + name + "?").orElse("");
    }

    /** "; did you mean PATH?" of a file or folder beside {@code missing}, or "" if nothing is near. */
    public static String file(Path missing) {
        Path folder = Objects.requireNonNullElse(missing.toAbsolutePath().getParent(), missing);
        try (Stream<Path> files = Files.list(folder)) {
            List<String> names = files.limit(MOST_FILES).map(f -> f.getFileName().toString()).sorted().toList();
            return among(names.stream().map(name -> missing.resolveSibling(name).toString()).toList(),
                    missing.toString());
        } catch (IOException | SecurityException _) {
            return "";
        }
    }

    /**
     * The nearest of {@code known}: by the number of letters to insert, delete, replace or exchange with the next, at most a third
     * of its own, rounded up; a name that {@code given} begins is near, too.
     */
    public static Optional<String> nearest(Collection<String> known, String given) {
        if (given.length() > LONGEST) {
            return Optional.empty();
        }
        int most = Math.max(1, (letters(given) + 2) / 3);
        return known.stream().filter(name -> name.length() <= LONGEST && distance(name, given) <= most)
                .min(Comparator.comparingInt(name -> distance(name, given)));
    }

    /** Dashes at the beginning and folders are not what was mistyped. */
    private static int letters(String given) {
        return given.substring(given.lastIndexOf('/') + 1).replaceFirst("^-+", "").length();
    }

    private static int distance(String known, String given) {
        if (letters(given) >= SHORTEST_PREFIX && known.startsWith(given)) {
            return 1;
        }
        int[][] d = new int[known.length() + 1][given.length() + 1];
        for (int i = 0; i <= known.length(); i++) {
            for (int j = 0; j <= given.length(); j++) {
                d[i][j] = i == 0 ? j : j == 0 ? i
                        : Math.min(d[i - 1][j - 1] + (same(known, i, given, j) ? 0 : 1),
                                1 + Math.min(d[i - 1][j], d[i][j - 1]));
                if (i > 1 && j > 1 && same(known, i, given, j - 1) && same(known, i - 1, given, j)) {
                    d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
                }
            }
        }
        return d[known.length()][given.length()];
    }

    private static boolean same(String a, int i, String b, int j) {
        return Character.toLowerCase(a.charAt(i - 1)) == Character.toLowerCase(b.charAt(j - 1));
    }
}
