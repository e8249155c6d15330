// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.optim.AdamW;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.PretrainedNames;
import io.eslm.gpt2.train.Trainer;
import io.eslm.gpt2.train.TrainerState;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.FileTrees;
import io.eslm.tensor.io.Json;
import io.eslm.tensor.io.Safetensors;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The checkpoints of a training run: {@code checkpoints/step-000123/} in its folder, each a {@link ModelFolder} with
 * {@code optimizer.safetensors} (the moments {@code m.…} and {@code v.…} under the names of the weights) and
 * {@code trainer.json}. A checkpoint appears whole or not at all, and the newest two are kept.
 */
public final class Checkpoints {
    static final String FOLDER = "checkpoints";
    private static final String MOMENTS = "optimizer.safetensors";
    private static final String STATE = "trainer.json";
    private static final String TEMPORARY = ".tmp-";
    private static final Pattern NAME = Pattern.compile("step-(\\d+)");
    private static final int KEPT = 2;
    private static final System.Logger LOG = System.getLogger(Checkpoints.class.getName());

    private final Path folder;

    /** The checkpoints of the run in folder {@code run}, which may not exist yet. */
    public Checkpoints(Path run) {
        this.folder = run.resolve(FOLDER);
    }

    /** True if {@code dir} is the folder of a training run. */
    public static boolean isRun(Path dir) {
        return Files.isDirectory(dir.resolve(FOLDER)) || Files.exists(dir.resolve("metrics.jsonl"));
    }

    /** True if the run in {@code dir} has checkpoints, be they good or damaged. */
    public static boolean isBegun(Path dir) {
        return !new Checkpoints(dir).all().isEmpty();
    }

    /**
     * Writes the state of {@code trainer}, then deletes all but the newest two checkpoints.
     *
     * @return the folder of the new checkpoint
     * @throws UserError if it cannot be written, or if there is a checkpoint of a later step, which must be another run's;
     *         the earlier checkpoints are then unchanged
     */
    public Path save(Trainer trainer) {
        Path target = folder.resolve(String.format(Locale.ROOT, "step-%06d", trainer.step()));
        Path temporary = folder.resolve(TEMPORARY + target.getFileName());
        try {
            Files.createDirectories(folder);
            removeTemporary();
            checkLatest(trainer.step());
            ModelFolder.save(trainer.model(), temporary);
            Safetensors.write(temporary.resolve(MOMENTS), moments(trainer), Map.of());
            AtomicFiles.writeString(temporary.resolve(STATE), Json.pretty(StateJson.of(trainer.state())));
            AtomicFiles.force(temporary);
            replace(target, temporary);
            AtomicFiles.force(folder);
            prune();
            return target;
        } catch (IOException e) {
            throw FileErrors.failed("write the checkpoint", target, e, "The earlier checkpoints are unchanged");
        } finally {
            FileTrees.delete(temporary);
        }
    }

    /** Finds the newest complete checkpoint, if there is one. Skips damaged ones with a warning in the log. */
    public Optional<Path> newest() {
        for (Path dir : all()) {
            Optional<String> fault = fault(dir);
            if (fault.isEmpty()) {
                return Optional.of(dir);
            }
            LOG.log(Level.WARNING, "skipping damaged checkpoint {0}: {1}", dir, fault.get());
        }
        return Optional.empty();
    }

    /**
     * Makes {@code trainer} continue from the checkpoint {@code dir}.
     *
     * @throws UserError if the checkpoint is damaged, or its model or options differ from the trainer's; weights may then
     *         be partly overwritten
     */
    public static void restore(Trainer trainer, Path dir) {
        Gpt2Config saved = ModelFolder.config(dir);
        if (!saved.equals(trainer.model().config())) {
            throw new UserError(
                    dir + ": the checkpoint has model " + saved + ", but this run has model " + trainer.model().config()
                            + "; a resumed run keeps its model");
        }
        TrainerState state = StateJson.read(dir.resolve(STATE));
        state.checkResumable(trainer.options(), trainer.state().method());
        Map<String, Parameter> parameters = trainer.model().parameters();
        try (Safetensors weights = Safetensors.open(dir.resolve(ModelFolder.WEIGHTS));
                Safetensors moments = Safetensors.open(dir.resolve(MOMENTS))) {
            parameters.forEach((path, p) -> read(weights, PretrainedNames.of(path), p.value()));
            AdamW optimizer = trainer.optimizer();
            optimizer.firstMoments().forEach((path, t) -> read(moments, "m." + PretrainedNames.of(path), t));
            optimizer.secondMoments().forEach((path, t) -> read(moments, "v." + PretrainedNames.of(path), t));
            optimizer.restoreStepCount(Math.toIntExact(state.step()));
        }
        trainer.restore(state);
    }

    private static void read(Safetensors file, String name, Tensor into) {
        if (!file.contains(name) || !file.entry(name).shape().equals(into.shape())) {
            throw new UserError(file.file() + ": has no tensor " + name + " " + into.shape()
                    + ", so it is not of this run. Resume from another checkpoint");
        }
        file.read(name, into.backend(), into.storage());
    }

    private static Map<String, Tensor> moments(Trainer trainer) {
        Map<String, Tensor> all = new LinkedHashMap<>();
        trainer.optimizer().firstMoments().forEach((path, t) -> all.put("m." + PretrainedNames.of(path), t));
        trainer.optimizer().secondMoments().forEach((path, t) -> all.put("v." + PretrainedNames.of(path), t));
        return all;
    }

    /** Why {@code dir} is not a complete checkpoint, or empty if it is one. Reads headers, not weights. */
    private static Optional<String> fault(Path dir) {
        try (Safetensors weights = Safetensors.open(dir.resolve(ModelFolder.WEIGHTS));
                Safetensors moments = Safetensors.open(dir.resolve(MOMENTS))) {
            ConfigJson.read(dir.resolve(ModelFolder.CONFIG));
            long step = StateJson.read(dir.resolve(STATE)).step();
            if (moments.entries().size() != 2 * weights.entries().size()) {
                return Optional.of(MOMENTS + " does not fit " + ModelFolder.WEIGHTS);
            }
            return step == step(dir) ? Optional.empty() : Optional.of(STATE + " is of step " + step);
        } catch (UserError e) {
            return Optional.of(e.getMessage());
        }
    }

    private static long step(Path dir) {
        var name = NAME.matcher(dir.getFileName().toString());
        return name.matches() ? Long.parseLong(name.group(1)) : -1;
    }

    /** The folders of all checkpoints, complete or not, newest first. */
    private List<Path> all() {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> children = Files.list(folder)) {
            return children.filter(dir -> step(dir) >= 0).sorted(Comparator.comparingLong(Checkpoints::step).reversed())
                    .toList();
        } catch (IOException e) {
            throw FileErrors.failed("read", folder, e);
        }
    }

    private void checkLatest(long step) {
        for (Path dir : all()) {
            if (step(dir) > step && fault(dir).isEmpty()) {
                throw new UserError(dir + ": is from a later step than this run's step " + step
                        + ", so it belongs to another run. Choose another folder, resume from that checkpoint, or move "
                        + "it away");
            }
        }
    }

    /** Moves {@code temporary} to {@code target}, after a checkpoint of the same step, if any, has moved aside. */
    private void replace(Path target, Path temporary) throws IOException {
        Path aside = folder.resolve(TEMPORARY + "old-" + target.getFileName());
        if (Files.exists(target)) {
            Files.move(target, aside, StandardCopyOption.ATOMIC_MOVE);
        }
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        FileTrees.delete(aside);
    }

    private void prune() {
        int kept = 0;
        for (Path dir : all()) {
            if (kept < KEPT && fault(dir).isEmpty()) {
                kept++;
            } else {
                FileTrees.delete(dir);
            }
        }
    }

    private void removeTemporary() throws IOException {
        try (Stream<Path> children = Files.list(folder)) {
            children.filter(dir -> dir.getFileName().toString().startsWith(TEMPORARY)).forEach(FileTrees::delete);
        }
    }
}
