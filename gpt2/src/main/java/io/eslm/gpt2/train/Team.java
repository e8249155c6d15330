// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.optim.AdamW;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.collective.Collective;
import io.eslm.gpt2.collective.Floats;
import io.eslm.gpt2.collective.Host;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Storage;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.DoubleStream;

/**
 * The ranks that share the steps of a training. Of micro-batches 0 to G − 1 of a step, rank r of N computes r, r + N, … Their
 * gradients are added in the order of the micro-batches, each computed by itself, so the sum has the same bits for every N. A rank
 * owns a part of the parameters ({@link Shards}): it adds up their gradients, keeps their moments, updates them, and gives them to
 * the others (ZeRO, Rajbhandari et al. 2020, first stage).
 *
 * <p>Rank 0 leads: the others do what it does, in {@link Trainer#follow}.
 */
public final class Team {
    private final Collective ranks;
    private final Backend backend;
    /** Those that take a gradient. */
    private final Map<String, Parameter> parameters;
    private final Map<String, Shards.Piece> own;
    private final Map<String, Parameter> views;
    private final List<Shards.Piece> pieces;
    private final long[] cuts;
    private final AdamW optimizer;
    private final Floats values;
    private final Tensor sumOfSquares;
    private Flops flops = Flops.ZERO;
    private boolean ended;
    private boolean stopWanted;
    /** Whether the gradients of this step are to be seen whole. */
    private boolean shows;

    /** @throws io.eslm.gpt2.option.OptionError if the optimizer needs whole matrices, of which a rank owns parts */
    Team(Collective ranks, Gpt2 model, TrainOptions options) {
        options.checkOptimizerOfParts();
        this.ranks = ranks;
        this.backend = model.backend();
        Map<String, Parameter> all = model.parameters();
        parameters = new LinkedHashMap<>(all);
        parameters.values().removeIf(p -> !p.needsGradient());
        Shards shards = new Shards(parameters, ranks.world());
        own = shards.of(ranks.rank());
        pieces = shards.piecesOf(ranks.rank());
        cuts = shards.cuts();
        views = Shards.views(own, parameters);
        optimizer = new AdamW(views, options.adamW());
        values = new FlatTensors(backend, parameters.values().stream().map(Parameter::value).toList());
        sumOfSquares = Tensor.zeros(backend, all.values().iterator().next().value().dtype(), 1);
    }

    /** Of the part that this rank owns, under the paths of the whole parameters. */
    AdamW optimizer() {
        return optimizer;
    }

    Collective ranks() {
        return ranks;
    }

    /** The number of this rank. */
    public int rank() {
        return ranks.rank();
    }

    /** The number of ranks. */
    public int world() {
        return ranks.world();
    }

    // ---- rank 0 says what comes next

    /** What rank 0 tells the others to do. */
    enum Task {
        STEP, SAVE, GIVE, TAKE, RESTORE, WEIGHTS, END
    }

    private void lead(Task task) {
        lead(task, ByteBuffer.allocate(0));
    }

    /** On rank 0: all ranks do {@code task} next. */
    private void lead(Task task, ByteBuffer more) {
        if (world() > 1) {
            byte[] message = ByteBuffer.allocate(1 + more.remaining()).put((byte) task.ordinal()).put(more.duplicate())
                    .array();
            for (byte[] answer : ranks.allGather(message)) {
                stopWanted |= answer.length == 1 && answer[0] == 1 && answer != message;
            }
        }
    }

    /** True if another rank was asked to stop. */
    public boolean stopWanted() {
        return stopWanted;
    }

    /** On rank 0: a step begins. @param show whether somebody wants to see the gradients whole */
    void leadStep(boolean show) {
        lead(Task.STEP, ByteBuffer.wrap(new byte[] {(byte) (show ? 1 : 0)}));
        shows = show;
    }

    /** On the others: does what rank 0 does, until that ends the training. */
    void follow(Trainer trainer, BooleanSupplier stop, Consumer<TrainEvent> listener) {
        while (!ended) {
            ByteBuffer message = ByteBuffer.wrap(ranks.allGather(new byte[] {(byte) (stop.getAsBoolean() ? 1 : 0)})[0]);
            switch (Task.values()[message.get()]) {
                case STEP -> {
                    shows = message.get() == 1;
                    listener.accept(trainer.takeStep());
                }
                case SAVE -> NonFinite.check(trainer);
                case GIVE -> give(message.slice());
                case TAKE -> take(message.slice());
                case RESTORE -> {
                    TrainerState state = RestoreMessage.read(message.slice(), trainer);
                    optimizer.restoreStepCount(state.step());
                    trainer.restore(state);
                }
                case WEIGHTS -> weights(trainer.model());
                case END -> end();
            }
        }
    }

    /** Ends the team in peace; on rank 0 tells the others. */
    void end() {
        if (!ended) {
            ended = true;
            if (rank() == 0) {
                lead(Task.END);
            }
            ranks.close();
        }
    }

    /** Ends the team because this rank cannot go on. */
    void abort(String why) {
        ended = true;
        ranks.abort(why);
    }

    // ---- a step

    /** The sum of the gradients of all micro-batches, each part of it on its owner; returns the sum of what to log. */
    Loss gradients(TrainStep step) {
        int microBatches = step.gradAccum;
        Loss sum = Loss.NONE;
        flops = Flops.ZERO;
        double[] seen = {};
        long begin = step.sampler.position();
        for (int first = 0; first < microBatches; first += world()) {
            step.sampler.seek(begin + first + rank());
            for (byte[] bytes : ranks.allGather(compute(step, first + rank()).bytes())) {
                MicroReport report = MicroReport.of(bytes);
                if (!report.failure().isEmpty()) {
                    throw new DivergedError(step.steps + 1, report.failure());
                }
                sum = sum.plus(report.loss());
                flops = flops.plus(report.flops());
                seen = DoubleStream.concat(DoubleStream.of(seen), DoubleStream.of(report.seen())).toArray();
            }
            ranks.reduceScatter(flatGradients(), cuts, sums(), first > 0);
        }
        step.objective.addSeen(seen);
        step.sampler.seek(begin + microBatches);
        return sum;
    }

    private MicroReport compute(TrainStep step, int micro) {
        Objective objective = step.objective;
        Flops before = Flops.of(backend.flops());
        parameters.values().forEach(Parameter::clearGradient);
        Loss loss = step.forward(micro);
        String failure = "";
        if (Double.isFinite(loss.lossSum())) {
            step.backward(loss);
        } else {
            failure = step.notFinite(loss).problem();
        }
        double[] seen = objective.takeSeen();
        if (world() > 1 && seen.length == 0 && !objective.state().isEmpty()) {
            throw new UserError("method " + objective.name() + " learns from what it has seen, and does not say how "
                    + "ranks share that; train with one rank");
        }
        return new MicroReport(loss, seen, Flops.of(backend.flops()).minus(before), failure);
    }

    /** Of all ranks in the last step. */
    Flops flops() {
        return flops;
    }

    /**
     * The peaks of all hosts together; NaN where ranks share a host, whose own peak none of them knows. {@code own} is that of this
     * rank's backend.
     */
    double peakFlops(double own) {
        byte[] host = Host.id().getBytes(StandardCharsets.UTF_8);
        Map<String, Double> peaks = new LinkedHashMap<>();
        for (byte[] bytes : ranks
                .allGather(ByteBuffer.allocate(Double.BYTES + host.length).putDouble(own).put(host).array())) {
            ByteBuffer in = ByteBuffer.wrap(bytes);
            double peak = in.getDouble();
            peaks.merge(StandardCharsets.UTF_8.decode(in).toString(), peak, Math::max);
        }
        return peaks.size() < world() ? Double.NaN : peaks.values().stream().mapToDouble(p -> p).sum();
    }

    private FlatTensors flatGradients() {
        return new FlatTensors(backend, parameters.values().stream().map(Parameter::gradient).toList());
    }

    private FlatTensors sums() {
        return new FlatTensors(backend, views.values().stream().map(Parameter::gradient).toList());
    }

    /**
     * √Σ g² over the sums of all ranks. The squares of a piece are added by the backend, and these sums, in float, one after the
     * other in double.
     */
    double gradientNorm() {
        ByteBuffer squares = ByteBuffer.allocate(Float.BYTES * pieces.size());
        for (Shards.Piece piece : pieces) {
            Storage gradient = views.get(piece.path()).gradient().storage();
            backend.kernels().fill(sumOfSquares.storage(), 1, 0);
            backend.kernels().addSumOfSquares(sumOfSquares.storage(), new Storage[] {
                backend.slice(gradient, piece.from() - own.get(piece.path()).from(), piece.n())},
                    new int[] {piece.n()});
            squares.putFloat((float) sumOfSquares.toDoubles()[0]);
        }
        double sum = 0;
        for (byte[] part : ranks.allGather(squares.array())) {
            FloatBuffer floats = ByteBuffer.wrap(part).asFloatBuffer();
            while (floats.hasRemaining()) {
                sum += floats.get();
            }
        }
        if (shows && Double.isFinite(sum)) {
            showGradients(); // to those who watch them
        }
        return Math.sqrt(sum);
    }

    /** Makes the gradients of the model the sums over all micro-batches. */
    private void showGradients() {
        FlatTensors whole = flatGradients();
        FlatTensors sums = sums();
        float[] part = new float[Shards.PIECE];
        for (long at = 0; at < sums.size(); at += part.length) {
            int n = (int) Math.min(part.length, sums.size() - at);
            sums.read(at, part, n);
            whole.write(cuts[rank()] + at, part, n);
        }
        ranks.allGather(whole, cuts);
    }

    /** Gives all ranks the new values of what each owns. */
    void shareValues() {
        ranks.allGather(values, cuts);
    }

    // ---- what a training begins with, and checkpoints

    /** On rank 0: gives the others the weights of {@code model}, also those that are not trained. */
    public void giveWeights(Gpt2 model) {
        lead(Task.WEIGHTS);
        weights(model);
    }

    private void weights(Gpt2 model) {
        FlatTensors whole =
                new FlatTensors(backend, model.parameters().values().stream().map(Parameter::value).toList());
        long[] ofFirst = new long[world() + 1];
        Arrays.fill(ofFirst, 1, ofFirst.length, whole.size());
        ranks.allGather(whole, ofFirst);
    }

    /** On rank 0: a checkpoint begins. All ranks look whether what they own is worth saving. */
    public void beginSave() {
        lead(Task.SAVE);
    }

    /** On rank 0: makes the others continue from {@code state}, after their moments have been {@link #write written}. */
    public void restore(TrainerState state) {
        lead(Task.RESTORE, ByteBuffer.wrap(RestoreMessage.of(state)));
    }

    /** The two moments of AdamW. */
    public enum Moment {
        FIRST, SECOND;

        private Map<String, Tensor> of(AdamW optimizer) {
            return optimizer.state().get(this == FIRST ? "m" : "v");
        }
    }

    /** On rank 0: the values {@code [from, from + n)} of a moment of the parameter at {@code path}, from the ranks that own them. */
    public void read(Moment moment, String path, int from, float[] into, int n) {
        ByteBuffer what = what(moment, path, from, n, 0).flip();
        lead(Task.GIVE, what);
        int at = 0;
        for (byte[] part : give(what)) {
            FloatBuffer floats = ByteBuffer.wrap(part).asFloatBuffer();
            int count = floats.remaining();
            floats.get(into, at, count);
            at += count;
        }
    }

    /** On rank 0: gives values of a moment to the ranks that own them. */
    public void write(Moment moment, String path, int from, float[] values, int n) {
        ByteBuffer what = what(moment, path, from, n, Float.BYTES * n);
        what.asFloatBuffer().put(values, 0, n);
        what.clear();
        lead(Task.TAKE, what);
        take(what);
    }

    private ByteBuffer what(Moment moment, String path, int from, int n, int more) {
        int index = List.copyOf(parameters.keySet()).indexOf(path);
        return ByteBuffer.allocate(1 + 3 * Integer.BYTES + more).put((byte) moment.ordinal()).putInt(index).putInt(from)
                .putInt(n);
    }

    /** The part of some values that this rank owns. */
    private record Owned(Tensor moment, int at, int from, int n) {
    }

    private Optional<Owned> owned(ByteBuffer what) {
        Moment moment = Moment.values()[what.get()];
        String path = List.copyOf(parameters.keySet()).get(what.getInt());
        int from = what.getInt();
        int n = what.getInt();
        Shards.Piece piece = own.get(path);
        int begin = piece == null ? 0 : Math.max(from, piece.from());
        int end = piece == null ? 0 : Math.min(from + n, piece.from() + piece.n());
        return begin < end
                ? Optional.of(new Owned(moment.of(optimizer).get(path), begin - piece.from(), begin - from,
                        end - begin))
                : Optional.empty();
    }

    private byte[][] give(ByteBuffer what) {
        return ranks.allGather(owned(what).map(part -> {
            float[] floats = new float[part.n];
            backend.read(backend.slice(part.moment.storage(), part.at, part.n), floats, 0, part.n);
            ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * part.n);
            bytes.asFloatBuffer().put(floats);
            return bytes.array();
        }).orElse(new byte[0]));
    }

    private void take(ByteBuffer what) {
        owned(what).ifPresent(part -> {
            float[] floats = new float[part.n];
            what.slice().asFloatBuffer().get(part.from, floats);
            backend.write(backend.slice(part.moment.storage(), part.at, part.n), floats, 0, part.n);
        });
    }

    // ---- errors

    /** The path of the first parameter whose summed gradient is not finite, on any rank; empty if there is none. */
    Optional<String> firstNotFinite() {
        List<String> paths = List.copyOf(parameters.keySet());
        int mine = paths.size();
        for (Map.Entry<String, Parameter> view : views.entrySet()) {
            if (!NonFinite.finite(view.getValue().gradient())) {
                mine = paths.indexOf(view.getKey());
                break;
            }
        }
        int first = paths.size();
        for (byte[] other : ranks.allGather(ByteBuffer.allocate(Integer.BYTES).putInt(mine).array())) {
            first = Math.min(first, ByteBuffer.wrap(other).getInt());
        }
        return first < paths.size() ? Optional.of(paths.get(first)) : Optional.empty();
    }
}
