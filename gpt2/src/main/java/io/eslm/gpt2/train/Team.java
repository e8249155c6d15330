// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.optim.Optimizer;
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
import java.util.function.Function;
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
    private final OptimizerKind kind;
    private final Shards shards;
    private final Map<String, Shards.Piece> own;
    private final Map<String, Parameter> views;
    private final List<Shards.Piece> row;
    private final long[] cuts;
    private final Optimizer optimizer;
    private final OwnedMoments moments;
    private final Floats values;
    private final Tensor sumOfSquares;
    private Flops flops = Flops.ZERO;
    private boolean ended;
    private boolean stopWanted;
    /** Whether the gradients of this step are to be seen whole. */
    private boolean shows;

    Team(Collective ranks, Gpt2 model, TrainOptions options) {
        this.ranks = ranks;
        this.backend = model.backend();
        kind = options.get(TrainOptions.OPTIMIZER);
        parameters = new LinkedHashMap<>(model.parameters());
        Tensor any = parameters.values().iterator().next().value();
        parameters.values().removeIf(p -> !p.needsGradient());
        shards = new Shards(parameters, kind, ranks.world());
        own = shards.of(ranks.rank());
        row = shards.row();
        cuts = shards.cuts();
        views = Shards.views(own, parameters);
        optimizer = options.optimizer(views);
        moments = new OwnedMoments(backend, optimizer, own, List.copyOf(parameters.keySet()));
        values = inRow(Parameter::value);
        sumOfSquares = Tensor.zeros(backend, any.dtype(), 1);
    }

    /** Of the part that this rank owns, under the paths of the whole parameters. */
    Optimizer optimizer() {
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
                case GIVE -> ranks.allGather(moments.read(message.slice()));
                case TAKE -> moments.write(message.slice());
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
            ranks.reduceScatter(inRow(Parameter::gradient), cuts, sums(), first > 0);
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

    /** What {@code of} gives for each parameter, in the order in which the ranks own it. */
    private FlatTensors inRow(Function<Parameter, Tensor> of) {
        return new FlatTensors(backend, row.stream().map(piece -> backend
                .slice(of.apply(parameters.get(piece.path())).storage(), piece.from(), piece.n())));
    }

    private FlatTensors sums() {
        return new FlatTensors(backend, views.values().stream().map(view -> view.gradient().storage()));
    }

    /**
     * √Σ g² over the sums of all ranks. The squares of a piece are added by the backend, and these sums, in float, in double in the
     * order of the parameters.
     */
    double gradientNorm() {
        List<Shards.Piece> pieces = shards.piecesOf(rank());
        ByteBuffer squares = ByteBuffer.allocate(Float.BYTES * pieces.size());
        for (Shards.Piece piece : pieces) {
            Storage gradient = views.get(piece.path()).gradient().storage();
            backend.kernels().fill(sumOfSquares.storage(), 1, 0);
            backend.kernels().addSumOfSquares(sumOfSquares.storage(), new Storage[] {
                backend.slice(gradient, piece.from() - own.get(piece.path()).from(), piece.n())},
                    new int[] {piece.n()});
            squares.putFloat((float) sumOfSquares.toDoubles()[0]);
        }
        FloatBuffer[] parts = Arrays.stream(ranks.allGather(squares.array()))
                .map(part -> ByteBuffer.wrap(part).asFloatBuffer()).toArray(FloatBuffer[]::new);
        double sum = 0;
        for (int owner : shards.owners()) {
            sum += parts[owner].get();
        }
        if (shows && Double.isFinite(sum)) {
            showGradients(); // to those who watch them
        }
        return Math.sqrt(sum);
    }

    /** Makes the gradients of the model the sums over all micro-batches. */
    private void showGradients() {
        FlatTensors whole = inRow(Parameter::gradient);
        FlatTensors sums = sums();
        float[] part = new float[Shards.PIECE];
        for (long at = 0; at < sums.size(); at += part.length) {
            int n = (int) Math.min(part.length, sums.size() - at);
            sums.read(at, part, n);
            whole.write(cuts[rank()] + at, part, n);
        }
        ranks.allGather(whole, cuts);
    }

    /** Runs {@code update}, of what this rank owns, and gives all ranks the new values. */
    void update(Runnable update) {
        Flops before = Flops.of(backend.flops());
        update.run();
        ranks.allGather(values, cuts);
        if (parameters.keySet().stream().anyMatch(this::updatedAsAWhole)) {
            byte[] mine = Flops.of(backend.flops()).minus(before).bytes();
            for (byte[] bytes : ranks.allGather(mine)) {
                flops = flops.plus(Flops.of(ByteBuffer.wrap(bytes)));
            }
        }
    }

    // ---- what a training begins with, and checkpoints

    /** On rank 0: gives the others the weights of {@code model}, also those that are not trained. */
    public void giveWeights(Gpt2 model) {
        lead(Task.WEIGHTS);
        weights(model);
    }

    private void weights(Gpt2 model) {
        FlatTensors whole =
                new FlatTensors(backend, model.parameters().values().stream().map(p -> p.value().storage()));
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

    /** What an optimizer remembers of a parameter. */
    public enum Moment {
        FIRST("m"), SECOND("v");

        private final String kind;

        Moment(String kind) {
            this.kind = kind;
        }

        /** Its name in {@link Optimizer#state}. */
        public String kind() {
            return kind;
        }
    }

    /** Those of the trained parameter at {@code path}, on the ranks that own it. */
    public List<Moment> moments(String path) {
        return updatedAsAWhole(path) ? List.of(Moment.FIRST) : List.of(Moment.values());
    }

    private boolean updatedAsAWhole(String path) {
        return kind.multiplyAdds(path, parameters.get(path)) > 0;
    }

    /** On rank 0: the values {@code [from, from + n)} of a moment of the parameter at {@code path}, from the ranks that own them. */
    public void read(Moment moment, String path, int from, float[] into, int n) {
        ByteBuffer what = moments.what(moment, path, from, n, 0).flip();
        lead(Task.GIVE, what);
        int at = 0;
        for (byte[] part : ranks.allGather(moments.read(what))) {
            FloatBuffer floats = ByteBuffer.wrap(part).asFloatBuffer();
            int count = floats.remaining();
            floats.get(into, at, count);
            at += count;
        }
    }

    /** On rank 0: gives values of a moment to the ranks that own them. */
    public void write(Moment moment, String path, int from, float[] values, int n) {
        ByteBuffer what = moments.what(moment, path, from, n, Float.BYTES * n);
        what.asFloatBuffer().put(values, 0, n);
        what.clear();
        lead(Task.TAKE, what);
        moments.write(what);
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
