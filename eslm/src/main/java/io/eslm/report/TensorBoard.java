// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import com.google.gson.JsonObject;
import io.eslm.gpt2.checkpoint.Checkpoints;
import io.eslm.gpt2.checkpoint.StoredWeights;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.FileTrees;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Writes a run as event files of TensorBoard: the numbers of {@value RunLog#METRICS} as scalars, samples and settings as texts,
 * tensors as histograms. The files lie in the folder of the run, so {@code tensorboard --logdir runs} shows each run by the name of
 * its folder. Every start of a run writes a file. Where it takes steps again, its file tells TensorBoard to forget those before.
 */
public final class TensorBoard implements AutoCloseable {
    private static final String SAMPLES = "samples";
    private static final String SETTINGS = "settings";
    /** Begins the name of a histogram of a parameter, which ends with the name of the tensor in a checkpoint. */
    public static final String PARAMETERS = "parameters/";
    /** Begins the name of a histogram of its gradient. */
    public static final String GRADIENTS = "gradients/";

    private final EventFile file;

    private TensorBoard(EventFile file) {
        this.file = file;
    }

    /**
     * Begins a file for a run that is about to continue. Copies the steps so far from the log, if no event file has them.
     *
     * @param config the settings
     * @param step steps done so far
     * @throws UserError if the file cannot be written, or the log is damaged
     */
    public static TensorBoard open(Path run, JsonObject config, long step) {
        boolean missing = step > 0 && EventFile.in(run).isEmpty();
        long next = step == 0 ? 0 : step + 1; // step 0 is evaluated again
        TensorBoard board = new TensorBoard(EventFile.after(run, Instant.now().getEpochSecond()));
        board.file.write(BoardEvent.version(now()));
        board.file.write(BoardEvent.start(now(), missing ? 0 : next));
        if (missing) {
            copy(run, started(Json.of(run.resolve(RunLog.CONFIG), config)), step, board.file::write);
        }
        board.file.write(BoardEvent.text(now(), next, SETTINGS, BoardEvent.table(config)));
        return board;
    }

    /** Writes an event. */
    public void log(TrainEvent event) {
        file.write(switch (event) {
            case TrainEvent.Step s -> scalars(RunLog.json(s));
            case TrainEvent.Evaluated e -> scalars(RunLog.json(e));
            case TrainEvent.Tasks t -> scalars(RunLog.json(t));
            case TrainEvent.Sampled s -> sample(now(), s.step(), s.prompt() + s.text());
        });
    }

    private byte[] scalars(JsonObject line) {
        return BoardEvent.scalars(now(), Json.of(Path.of(RunLog.METRICS), line));
    }

    private static byte[] sample(double time, long step, String text) {
        return BoardEvent.text(time, step, SAMPLES, BoardEvent.verbatim(text));
    }

    /** Writes a histogram, unless it is empty. */
    public void histogram(String tag, long step, Histogram histogram) {
        if (histogram.count() > 0) {
            file.write(BoardEvent.histogram(now(), step, tag, histogram));
        }
    }

    /**
     * Writes one event file with the scalars and texts of a run, and histograms of the weights in its checkpoints, into
     * {@code folder}, which may be the run's own, and replaces the file of an earlier call. Times are the sums of the steps' times
     * since the start of the run.
     *
     * @return the file
     * @throws UserError if {@code run} is no run or is damaged, or {@code folder} has other event files
     */
    public static Path write(Path run, Path folder) {
        Json config = Json.read(run.resolve(RunLog.CONFIG));
        double start = started(config);
        Path file = FileTrees.make(folder).resolve(EventFile.copyName((long) start));
        List<Path> others = EventFile.in(folder).stream().filter(there -> !there.equals(file)).toList();
        if (!others.isEmpty()) {
            throw new UserError(folder + ": has event files of its own already (" + others.getFirst().getFileName()
                    + "). Point TensorBoard at that folder, or choose another one for the copy");
        }
        AtomicFiles.write(file, out -> {
            Consumer<byte[]> sink = event -> {
                try {
                    out.write(EventFile.record(event));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            };
            sink.accept(BoardEvent.version(start));
            sink.accept(BoardEvent.start(start, 0));
            sink.accept(BoardEvent.text(start, 0, SETTINGS, BoardEvent.table(config.object())));
            copy(run, start, Long.MAX_VALUE, sink);
        });
        return file;
    }

    /** Events of the log and the samples up to step {@code last}. */
    private static void copy(Path run, double start, long last, Consumer<byte[]> sink) {
        NavigableMap<Long, Path> samples = new TreeMap<>();
        HtmlReport.sampleFiles(run).forEach(sample -> samples.put(HtmlReport.step(sample), sample));
        NavigableMap<Long, Path> checkpoints = new Checkpoints(run).whole();
        double[] time = {start};
        MetricsFile.read(run.resolve(RunLog.METRICS), line -> {
            long step = line.count("step");
            if (step <= last) {
                time[0] += line.optional("ms", Double.class, 0.0) * 1e-3;
                sink.accept(BoardEvent.scalars(time[0], line));
                samples(samples.headMap(step, true), time[0], sink);
                weights(checkpoints.headMap(step, true), time[0], sink);
            }
        });
        samples(samples.headMap(last, true), time[0], sink);
        weights(checkpoints.headMap(last, true), time[0], sink);
    }

    /** Moves samples to {@code sink}. */
    private static void samples(NavigableMap<Long, Path> samples, double time, Consumer<byte[]> sink) {
        samples.forEach((step, file) -> sink.accept(sample(time, step, HtmlReport.read(file))));
        samples.clear();
    }

    /** Moves histograms of the weights in checkpoints to {@code sink}. */
    private static void weights(NavigableMap<Long, Path> checkpoints, double time, Consumer<byte[]> sink) {
        checkpoints.forEach((step, folder) -> {
            try (StoredWeights weights = StoredWeights.open(folder)) {
                weights.shapes().keySet().forEach(name -> {
                    Histogram histogram = Histogram.of(weights, name);
                    if (histogram.count() > 0) {
                        sink.accept(BoardEvent.histogram(time, step, PARAMETERS + name, histogram));
                    }
                });
            }
        });
        checkpoints.clear();
    }

    private static double started(Json config) {
        try {
            return Instant.parse(config.required("started", String.class)).toEpochMilli() * 1e-3;
        } catch (DateTimeParseException _) {
            throw config.wrong("started", "expected a time such as 2026-01-31T12:00:00Z");
        }
    }

    private static double now() {
        return System.currentTimeMillis() * 1e-3;
    }

    @Override
    public void close() {
        file.close();
    }
}
