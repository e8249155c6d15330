// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import io.eslm.tensor.UserError;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What the search for a run's newest whole checkpoint found: {@link Checkpoints#find}.
 *
 * @param newest the newest whole checkpoint; empty if there is none
 * @param step of {@code newest}; 0 if there is none
 * @param damaged the checkpoints that would be newer, newest first
 * @param remarks on {@code newest} itself: that it carries no checksums, or that its changes were accepted
 */
public record CheckpointSearch(Optional<Path> newest, long step, List<Damaged> damaged, List<String> remarks) {
    public CheckpointSearch {
        damaged = List.copyOf(damaged);
        remarks = List.copyOf(remarks);
    }

    /**
     * A checkpoint that cannot be used.
     *
     * @param fault the file and what is wrong with it: "model.safetensors has 1000 bytes, and 7424 were written"
     */
    public record Damaged(Path folder, long step, String fault) {
        @Override
        public String toString() {
            return folder + " is damaged: " + fault;
        }
    }

    /** What the user must know before the first step, a sentence each: what is damaged, and how many steps that costs. */
    public List<String> notes() {
        List<String> notes = new ArrayList<>();
        damaged.forEach(d -> notes.add(d.toString()));
        newest.filter(_ -> !damaged.isEmpty()).ifPresent(dir -> notes.add("going on from " + dir.getFileName() + "; "
                + steps(damaged.getFirst().step() - step) + " lost, and will be trained again"));
        notes.addAll(remarks);
        return notes;
    }

    private static String steps(long n) {
        return n == 1 ? "1 step is" : n + " steps are";
    }

    /**
     * This, if there is a whole checkpoint or none at all.
     *
     * @throws UserError if all are damaged; it lists them
     */
    public CheckpointSearch orRefuse() {
        if (newest.isEmpty() && !damaged.isEmpty()) {
            throw new UserError(damaged.stream().map(Damaged::toString).collect(Collectors.joining("; "))
                    + ". There is no whole checkpoint. Restore one from a copy, start a new run in another folder, or, if you "
                    + "changed the files on purpose, resume with the option \"accept changed checkpoint\"");
        }
        return this;
    }
}
