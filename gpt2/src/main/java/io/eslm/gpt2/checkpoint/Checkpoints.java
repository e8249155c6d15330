// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import static io.eslm.gpt2.checkpoint.CheckpointFiles.ASIDE;
import static io.eslm.gpt2.checkpoint.CheckpointFiles.MOMENTS;
import static io.eslm.gpt2.checkpoint.CheckpointFiles.STATE;

import com.google.gson.JsonObject;
import io.eslm.autograd.Parameter;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.LowRank;
import io.eslm.gpt2.PretrainedNames;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.checkpoint.CheckpointSearch.Damaged;
import io.eslm.gpt2.train.NonFinite;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.Trainer;
import io.eslm.gpt2.train.TrainerState;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.FileSum;
import io.eslm.tensor.io.FileTrees;
import io.eslm.tensor.io.Json;
import io.eslm.tensor.io.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * The checkpoints of a training run: {@code checkpoints/step-000123/} in its folder, each a {@link ModelFolder} with
 * {@code optimizer.safetensors} (its state, {@code m.…} and {@code v.…}, under the names of the weights), {@code trainer.json}
 * and {@code manifest.json}. That of a run that trains adapters holds these alone, as {@link AdapterFolder}. A checkpoint appears whole or not at all. {@link TrainOptions#KEEP_CHECKPOINTS} says how many stay.
 */
public final class Checkpoints {
    static final String FOLDER = "checkpoints";
    private static final String TEMPORARY = ".tmp-";
    private static final String GONE = TEMPORARY + "gone-";

    private final Path folder;

    /** The checkpoints of the run in folder {@code run}, which may not exist yet. */
    public Checkpoints(Path run) {
        this.folder = run.resolve(FOLDER);
    }

    /** True if {@code dir} is the folder of a training run. */
    public static boolean isRun(Path dir) {
        return Files.isDirectory(dir.resolve(FOLDER)) || Files.exists(dir.resolve("metrics.jsonl"));
    }

    /** {@link #save(Trainer, OptionalDouble)} without an evaluation. */
    public Path save(Trainer trainer) {
        return save(trainer, OptionalDouble.empty());
    }

    /**
     * Writes the state of {@code trainer}, then deletes the checkpoints that are no longer to be kept.
     *
     * @param validationLoss of the weights as they are now
     * @return the folder of the new checkpoint
     * @throws io.eslm.gpt2.train.DivergedError if a weight or a moment is not finite
     * @throws UserError if it cannot be written, or if there is a checkpoint of a later step, which must be another run's;
     *         the earlier checkpoints are then unchanged, as they are after any error
     */
    public Path save(Trainer trainer, OptionalDouble validationLoss) {
        Path target = folder.resolve(String.format(Locale.ROOT, "step-%06d", trainer.step()));
        Path temporary = folder.resolve(TEMPORARY + target.getFileName());
        if (trainer.team() != null) {
            trainer.team().beginSave();
        }
        NonFinite.check(trainer);
        try {
            Files.createDirectories(folder);
            cleanUp();
            checkLatest(trainer.step());
            write(trainer, validationLoss, temporary);
            replace(target, temporary);
            prune(trainer);
            return target;
        } catch (IOException e) {
            throw FileErrors.failed("write the checkpoint", target, e, "The earlier checkpoints are unchanged");
        } finally {
            FileTrees.delete(temporary);
        }
    }

    /** The manifest comes last: a checkpoint without it is not whole. */
    private static void write(Trainer trainer, OptionalDouble validationLoss, Path dir) throws IOException {
        Map<String, FileSum> sums = new HashMap<>();
        FileSum weights = ModelFolder.write(trainer.model(), trainer.tokenizer(), dir);
        sums.put(ModelFolder.weightsOf(dir), weights);
        sums.put(MOMENTS, trainer.team() == null
                ? Safetensors.write(dir.resolve(MOMENTS), moments(trainer), Map.of())
                : Safetensors.write(dir.resolve(MOMENTS), new TeamMoments(trainer), Safetensors.Type.F32));
        TrainerState state = trainer.state();
        JsonObject json = StateJson.of(state);
        json.addProperty(CheckpointFiles.MANIFEST_FIELD, Manifest.FILE);
        AtomicFiles.writeString(dir.resolve(STATE), Json.pretty(json));
        Manifest.write(dir, state, trainer.model().config(), validationLoss, sums);
    }

    /**
     * Finds the newest whole checkpoint. Reads every byte of it, and compares sizes, checksums and step with its manifest.
     *
     * @param acceptChanged takes a checkpoint whose files differ from its manifest, as long as they can be used
     */
    public CheckpointSearch find(boolean acceptChanged) {
        List<Damaged> damaged = new ArrayList<>();
        for (CheckpointFiles files : all()) {
            Optional<String> fault = files.fault();
            if (fault.isEmpty()) {
                return new CheckpointSearch(Optional.of(files.dir()), files.step(), damaged, files.isOld()
                        ? List.of(files.dir()
                                + " is of an earlier version and carries no checksums: whether its files are "
                                + "as they were written cannot be checked")
                        : List.of());
            }
            if (acceptChanged && files.faultOfChanged().isEmpty()) {
                return new CheckpointSearch(Optional.of(files.dir()), files.step(), damaged,
                        List.of(files.dir() + " is used though it was changed: " + fault.get()));
            }
            damaged.add(files.damaged(fault.get()));
        }
        return new CheckpointSearch(Optional.empty(), 0, damaged, List.of());
    }

    /** The newest checkpoint, if there is one, and what is wrong with it, as far as sizes tell. */
    CheckpointSearch newest() {
        Optional<CheckpointFiles> newest = all().stream().findFirst();
        Optional<Damaged> damaged = newest.flatMap(files -> files.quickFault().map(files::damaged));
        return damaged.isPresent() ? new CheckpointSearch(Optional.empty(), 0, damaged.stream().toList(), List.of())
                : new CheckpointSearch(newest.map(CheckpointFiles::dir), newest.map(CheckpointFiles::step).orElse(0L),
                        List.of(), List.of());
    }

    /** The folders of all checkpoints by step, as far as sizes tell that they are whole. */
    public NavigableMap<Long, Path> whole() {
        NavigableMap<Long, Path> whole = new TreeMap<>();
        all().stream().filter(files -> files.quickFault().isEmpty())
                .forEach(files -> whole.put(files.step(), files.dir()));
        return whole;
    }

    /** The kept checkpoint with the lowest validation loss, the earliest of equals; empty if none was evaluated. */
    public Optional<Path> best() {
        return bestFiles().map(CheckpointFiles::dir);
    }

    /** The validation loss of {@link #best}; infinite if there is none. */
    public double bestLoss() {
        return bestFiles().map(Checkpoints::loss).orElse(Double.POSITIVE_INFINITY);
    }

    private Optional<CheckpointFiles> bestFiles() {
        return all().stream().filter(files -> loss(files) < Double.POSITIVE_INFINITY && files.quickFault().isEmpty())
                .min(Comparator.comparingDouble(Checkpoints::loss).thenComparingLong(CheckpointFiles::step));
    }

    private static double loss(CheckpointFiles files) {
        try {
            return Manifest.read(files.dir()).validationLoss().orElse(Double.POSITIVE_INFINITY);
        } catch (UserError _) {
            return Double.POSITIVE_INFINITY; // no manifest, or a damaged one
        }
    }

    /** The model of a checkpoint that {@link #find} has found, to train on, without checking it again. */
    public static Gpt2 model(Path checkpoint, Backend backend) {
        return AdapterFolder.is(checkpoint) ? AdapterFolder.open(checkpoint).model(backend, DType.F32)
                : ModelFolder.read(checkpoint, backend, DType.F32);
    }

    /** {@code weights}, which are those of the model at {@code from}, with {@code adapters} to be trained beside them. */
    public static Weights adapted(Weights weights, Path from, LowRank adapters, Backend backend, Rng rng) {
        return adapters.of(AdapterFolder.baseAt(from)).on(weights, LowRank.initial(backend, rng));
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
        Map<String, Parameter> parameters = new LinkedHashMap<>(trainer.model().parameters());
        parameters.values().removeIf(p -> !p.needsGradient());
        try (Safetensors weights = Safetensors.open(dir.resolve(ModelFolder.weightsOf(dir)));
                Safetensors moments = Safetensors.open(dir.resolve(MOMENTS))) {
            parameters.forEach((path, p) -> read(weights, PretrainedNames.of(path), p.value()));
            if (trainer.team() == null) {
                moments(trainer).forEach((name, t) -> read(moments, name, t));
            } else {
                new TeamMoments(trainer).restore(moments);
            }
            trainer.optimizer().restoreStepCount(state.step());
        }
        try {
            trainer.restore(state);
        } catch (NullPointerException | IllegalStateException | IllegalArgumentException | ClassCastException
                | UnsupportedOperationException e) { // what Gson throws for a field that is missing or of another type
            throw new UserError(dir.resolve(STATE) + ": \"method_state\" does not fit method " + state.method()
                    + ". Resume from another checkpoint", e);
        }
        if (trainer.team() != null) {
            trainer.team().restore(state);
        }
    }

    private static void read(Safetensors file, String name, Tensor into) {
        check(file, name, into.shape());
        file.read(name, into.backend(), into.storage());
    }

    static void check(Safetensors file, String name, Shape shape) {
        if (!file.contains(name) || !file.entry(name).shape().equals(shape)) {
            throw new UserError(file.file() + ": has no tensor " + name + " " + shape
                    + ", so it is not of this run. Resume from another checkpoint");
        }
    }

    private static Map<String, Tensor> moments(Trainer trainer) {
        Map<String, Tensor> all = new LinkedHashMap<>();
        trainer.optimizer().state().forEach((kind, tensors) -> tensors
                .forEach((path, t) -> all.put(kind + "." + PretrainedNames.of(path), t)));
        return all;
    }

    /** All checkpoints, whole or not, newest first. One that was moved aside counts if it has not been replaced. */
    private List<CheckpointFiles> all() {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> children = Files.list(folder)) {
            return children.filter(dir -> !isAside(dir) || !Files.exists(inPlace(dir))).map(CheckpointFiles::new)
                    .filter(files -> files.step() >= 0)
                    .sorted(Comparator.comparingLong(CheckpointFiles::step).reversed()).toList();
        } catch (IOException e) {
            throw FileErrors.failed("read", folder, e);
        }
    }

    private static boolean isAside(Path dir) {
        return dir.getFileName().toString().startsWith(ASIDE);
    }

    private static Path inPlace(Path aside) {
        return aside.resolveSibling(aside.getFileName().toString().substring(ASIDE.length()));
    }

    private void checkLatest(long step) {
        for (CheckpointFiles files : all()) {
            if (files.step() > step && files.quickFault().isEmpty()) {
                throw new UserError(files.dir() + ": is from a later step than this run's step " + step
                        + ", so it belongs to another run. Choose another folder, resume from that checkpoint, or move "
                        + "it away");
            }
        }
    }

    /** Moves {@code temporary} to {@code target}, after a checkpoint of the same step, if any, has moved aside. */
    private void replace(Path target, Path temporary) throws IOException {
        Path aside = folder.resolve(ASIDE + target.getFileName());
        if (Files.exists(target)) {
            Files.move(target, aside, StandardCopyOption.ATOMIC_MOVE);
        }
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        AtomicFiles.force(folder);
        AtomicFiles.force(folder.toAbsolutePath().getParent());
        FileTrees.delete(aside);
    }

    /** Damaged checkpoints of later steps stay until the run replaces them: there may be something to rescue. */
    private void prune(Trainer trainer) throws IOException {
        TrainOptions options = trainer.options();
        Optional<Path> best = options.get(TrainOptions.KEEP_BEST) ? best() : Optional.empty();
        int kept = 0;
        for (CheckpointFiles files : all()) {
            if (files.step() <= trainer.step() && !files.dir().equals(best.orElse(null))) {
                if (kept < options.get(TrainOptions.KEEP_CHECKPOINTS) && files.quickFault().isEmpty()) {
                    kept++;
                } else {
                    delete(files.dir());
                }
            }
        }
    }

    /** Renames it first, so that one that is deleted in part does not look like a damaged one. */
    private void delete(Path dir) throws IOException {
        Path gone = folder.resolve(GONE + dir.getFileName());
        Files.move(dir, gone, StandardCopyOption.ATOMIC_MOVE);
        FileTrees.delete(gone);
    }

    /**
     * Deletes what a killed process left behind, and puts back a checkpoint that it had moved aside. No other process may be
     * writing.
     */
    public void cleanUp() {
        if (!Files.isDirectory(folder)) {
            return;
        }
        try (Stream<Path> children = Files.list(folder)) {
            for (Path dir : children.filter(dir -> dir.getFileName().toString().startsWith(TEMPORARY)).toList()) {
                if (isAside(dir) && !Files.exists(inPlace(dir))) {
                    Files.move(dir, inPlace(dir), StandardCopyOption.ATOMIC_MOVE);
                } else {
                    FileTrees.delete(dir);
                }
            }
        } catch (IOException e) {
            throw FileErrors.failed("clean up", folder, e);
        }
    }
}
