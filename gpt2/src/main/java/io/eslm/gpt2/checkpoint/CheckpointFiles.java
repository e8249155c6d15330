// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import io.eslm.gpt2.checkpoint.CheckpointSearch.Damaged;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import io.eslm.tensor.io.Safetensors;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The files of one checkpoint: which there are, and whether they are whole.
 *
 * @param dir their folder
 */
record CheckpointFiles(Path dir) {
    static final String MOMENTS = "optimizer.safetensors";
    static final String STATE = "trainer.json";
    /** Field of {@value #STATE}: the name of the manifest, without which the checkpoint is not whole. */
    static final String MANIFEST_FIELD = "manifest";
    /** Begins the name of a checkpoint that was moved aside to put another one of its step in its place. */
    static final String ASIDE = ".tmp-old-";
    private static final Pattern NAME = Pattern.compile("(?:" + Pattern.quote(ASIDE) + ")?step-(\\d{1,18})");

    /** The step in the folder's name; -1 if it is not that of a checkpoint. */
    long step() {
        Matcher name = NAME.matcher(dir.getFileName().toString());
        return name.matches() ? Long.parseLong(name.group(1)) : -1;
    }

    private String weights() {
        return ModelFolder.weightsOf(dir);
    }

    boolean hasManifest() {
        return Files.exists(dir.resolve(Manifest.FILE));
    }

    Damaged damaged(String fault) {
        return new Damaged(dir, step(), fault);
    }

    /** True if a version that wrote no manifests has written this checkpoint. */
    boolean isOld() {
        return !hasManifest() && missingManifest().isEmpty();
    }

    private Optional<String> missingManifest() {
        try {
            return Json.read(dir.resolve(STATE)).has(MANIFEST_FIELD) ? Optional.of(Manifest.FILE + " is missing")
                    : Optional.empty();
        } catch (UserError e) {
            return Optional.of(e.getMessage());
        }
    }

    /** Why this is not a whole checkpoint, or empty if it is one, as far as sizes and headers tell. */
    Optional<String> quickFault() {
        return hasManifest() ? manifestFault(_ -> false) : missingManifest().or(this::headerFault);
    }

    /** Why this is not a whole checkpoint, or empty if it is one; reads all of it. */
    Optional<String> fault() {
        return hasManifest() ? manifestFault(_ -> true)
                : missingManifest().or(this::headerFault).or(this::valueFault);
    }

    /** Like {@link #fault}, for files that may differ from the manifest as long as they can be used. */
    Optional<String> faultOfChanged() {
        return headerFault().or(this::valueFault);
    }

    private Optional<String> manifestFault(Predicate<String> checksums) {
        try {
            Manifest manifest = Manifest.read(dir);
            return stepFault(Manifest.FILE, manifest.step())
                    .or(() -> manifest.fault(dir, List.of(ModelFolder.CONFIG, weights(), MOMENTS, STATE), checksums))
                    .or(() -> stepFault(STATE, StateJson.read(dir.resolve(STATE)).step()));
        } catch (UserError e) {
            return Optional.of(e.getMessage());
        }
    }

    private Optional<String> stepFault(String file, long step) {
        return step == step() ? Optional.empty() : Optional.of(file + " is of step " + step);
    }

    private Optional<String> headerFault() {
        try (Safetensors weights = Safetensors.open(dir.resolve(weights()));
                Safetensors moments = Safetensors.open(dir.resolve(MOMENTS))) {
            ConfigJson.read(dir.resolve(ModelFolder.CONFIG));
            return moments.entries().size() != 2 * weights.entries().size()
                    ? Optional.of(MOMENTS + " does not fit " + weights())
                    : stepFault(STATE, StateJson.read(dir.resolve(STATE)).step());
        } catch (UserError e) {
            return Optional.of(e.getMessage());
        }
    }

    /** Weights and moments are finite. A checkpoint with a manifest was checked before it was written. */
    private Optional<String> valueFault() {
        return valueFault(weights()).or(() -> valueFault(MOMENTS));
    }

    private Optional<String> valueFault(String name) {
        try (Safetensors file = Safetensors.open(dir.resolve(name))) {
            for (Safetensors.Entry e : file.entries()) {
                for (float v : file.floats(e.name())) {
                    if (!Float.isFinite(v)) {
                        return Optional.of(name + ": " + e.name() + " holds " + v);
                    }
                }
            }
            return Optional.empty();
        } catch (UserError e) {
            return Optional.of(e.getMessage());
        }
    }
}
