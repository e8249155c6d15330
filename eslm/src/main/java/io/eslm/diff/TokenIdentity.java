// SPDX-License-Identifier: Apache-2.0
package io.eslm.diff;

import io.eslm.gpt2.checkpoint.Checkpoints;
import io.eslm.report.RunLog;
import io.eslm.report.Visible;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Whether the ids of two models stand for the same texts, as far as their folders tell. */
final class TokenIdentity {
    private static final String MERGES = "merges.txt";

    private TokenIdentity() {
    }

    /**
     * Compares the tokenizers that runs name, and the merges in the folders of models.
     *
     * @throws UserError if they differ
     */
    static void check(Path a, Path b) {
        Optional<String> ofA = named(a);
        Optional<String> ofB = named(b);
        if (ofA.isPresent() && ofB.isPresent() && !ofA.equals(ofB)) {
            throw different(a, b, "the first was trained on tokens of \"" + ofA.get() + "\", the second of \""
                    + ofB.get() + "\"");
        }
        if (Files.exists(a.resolve(MERGES)) && Files.exists(b.resolve(MERGES))) {
            List<String> mergesA = merges(a.resolve(MERGES));
            List<String> mergesB = merges(b.resolve(MERGES));
            int same = 0;
            while (same < Math.min(mergesA.size(), mergesB.size()) && mergesA.get(same).equals(mergesB.get(same))) {
                same++;
            }
            if (same < Math.max(mergesA.size(), mergesB.size())) {
                throw different(a, b, "merge " + (same + 1) + " in " + MERGES + " is " + merge(mergesA, same)
                        + " in the first, " + merge(mergesB, same) + " in the second");
            }
        }
    }

    private static String merge(List<String> merges, int i) {
        return i < merges.size() ? Json.shown("\"" + Visible.line(merges.get(i)) + "\"") : "missing";
    }

    private static UserError different(Path a, Path b, String how) {
        return new UserError("the models have different tokenizers (" + a + " and " + b + "): " + how
                + ". An id stands for different texts in them, so they cannot be compared");
    }

    /** The tokenizer of the run that a checkpoint is of. */
    private static Optional<String> named(Path checkpoint) {
        Path checkpoints = checkpoint.toAbsolutePath().normalize().getParent();
        Path run = checkpoints == null ? null : checkpoints.getParent();
        if (run == null || !Checkpoints.isRun(run) || !Files.exists(run.resolve(RunLog.CONFIG))) {
            return Optional.empty();
        }
        Json config = Json.read(run.resolve(RunLog.CONFIG));
        return config.has("tokens") && config.child("tokens").has("tokenizer")
                ? Optional.of(config.child("tokens").required("tokenizer", String.class)) : Optional.empty();
    }

    /** Without the line that names the version, and empty lines. */
    private static List<String> merges(Path file) {
        try {
            return Files.readAllLines(file).stream().filter(line -> !line.startsWith("#version") && !line.isBlank())
                    .toList();
        } catch (IOException e) {
            throw FileErrors.failed("read", file, e);
        }
    }
}
