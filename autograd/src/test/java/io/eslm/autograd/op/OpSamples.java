// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op;

import io.eslm.autograd.Elementwise;
import io.eslm.autograd.Op;
import io.eslm.autograd.Rows;
import io.eslm.autograd.Variable;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.autograd.op.basic.Composed;
import io.eslm.autograd.op.basic.CrossEntropy;
import io.eslm.tensor.Tensor;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * The samples of the ops in this package, on which the tests check their gradients. They stand apart from the ops because most of
 * them compare with the simple ops of {@link io.eslm.autograd.op.basic}, none of which the ops here run.
 */
public final class OpSamples {
    /** By op. A new op of this package needs an entry. */
    public static final Map<Class<? extends Op>, Function<SampleSource, Stream<Sample>>> ALL = Map.ofEntries(
            Map.entry(Add.class, OpSamples::add),
            Map.entry(Affine.class, OpSamples::affine),
            // generation takes no gradient
            Map.entry(CachedAttention.class, _ -> Stream.empty()),
            Map.entry(CausalAttention.class, OpSamples::causalAttention),
            Map.entry(Dropout.class, OpSamples::dropout),
            Map.entry(Gather.class, OpSamples::gather),
            Map.entry(HeadCrossEntropy.class, OpSamples::headCrossEntropy),
            Map.entry(HeadDistillation.class, OpSamples::headDistillation),
            Map.entry(KeepRows.class, OpSamples::keepRows),
            Map.entry(LayerNorm.class, OpSamples::layerNorm),
            Map.entry(MatMul.class, OpSamples::matMul),
            Map.entry(SampledCrossEntropy.class, OpSamples::sampledCrossEntropy),
            Map.entry(TokenEmbedding.class, OpSamples::tokenEmbedding),
            Map.entry(WeightedSum.class, OpSamples::weightedSum));

    private OpSamples() {
    }

    private static Stream<Sample> add(SampleSource source) {
        return Elementwise.samples(new Add(), source::normal);
    }

    private static Stream<Sample> affine(SampleSource source) {
        return Stream.of(
                Sample.of(new Affine(), source.normal(4, 3), source.normal(3, 5), source.normal(5))
                        .equalTo((tape, v) -> v[0].matmul(v[1]).add(v[2])),
                Sample.of(new Affine(), source.normal(4, 3), source.normal(3, 5), source.normal(5), source.normal(4, 5))
                        .equalTo((tape, v) -> v[3].add(v[0].matmul(v[1]).add(v[2]))),
                Sample.of(new Affine(), source.normal(2, 2, 3), source.normal(3, 5), source.normal(5)),
                Sample.of(new Affine(true), source.normal(4, 3), source.normal(3, 5), source.normal(5))
                        .equalTo((tape, v) -> v[0].matmul(v[1]).add(v[2]).gelu()));
    }

    private static Stream<Sample> causalAttention(SampleSource source) {
        Tensor starts = source.indices(0, 0, 2, 3, 3, 0, 0, 0, 0, 4);
        return Stream.of(
                Sample.of(new CausalAttention(2, 2, 0, 0), source.normal(2 * 5, 3 * 6))
                        .equalTo((tape, v) -> Composed.attention(tape, v[0], 2, 2, 0, 0, null)),
                Sample.of(new CausalAttention(1, 3, 0, 0), source.normal(4, 3 * 3))
                        .equalTo((tape, v) -> Composed.attention(tape, v[0], 1, 3, 0, 0, null)),
                Sample.of(new CausalAttention(2, 2, 0.3, 7), source.normal(2 * 4, 3 * 4))
                        .equalTo((tape, v) -> Composed.attention(tape, v[0], 2, 2, 0.3, 7, null)),
                Sample.of(new CausalAttention(2, 2, 0, 0, starts, false), source.normal(2 * 5, 3 * 4))
                        .equalTo((tape, v) -> Composed.attention(tape, v[0], 2, 2, 0, 0, starts)),
                Sample.of(new CausalAttention(2, 1, 0.3, 7, starts, false), source.normal(2 * 5, 3 * 3))
                        .equalTo((tape, v) -> Composed.attention(tape, v[0], 2, 1, 0.3, 7, starts)));
    }

    private static Stream<Sample> dropout(SampleSource source) {
        return Stream.of(Sample.of(new Dropout(0.4, 3), source.normal(6, 5)),
                Sample.of(new Dropout(0, 3), source.normal(7)));
    }

    private static Stream<Sample> gather(SampleSource source) {
        return Stream.of(Sample.of(new Gather(source.indices(2, 0, 2, 1)), source.normal(4, 3)),
                Sample.of(new Gather(source.indices(1, 1)), source.normal(2, 2, 2)),
                Sample.of(new Gather(source.indices(4)), source.normal(5)));
    }

    private static Stream<Sample> headCrossEntropy(SampleSource source) {
        Tensor targets = source.ids(7, 5);
        return Stream.of(
                Sample.of(new HeadCrossEntropy(targets, source.normal(5)), source.normal(5, 3), source.normal(7, 3))
                        .equalTo((tape, v) -> tape.apply(new CrossEntropy(targets, source.normal(5)),
                                tape.apply(new MatMul(false, true), v[0], v[1]))));
    }

    private static Stream<Sample> headDistillation(SampleSource source) {
        Tensor targets = source.ids(7, 5);
        Tensor teacher = source.normal(5, 7);
        Rows some = new Rows(source.indices(0, 2, 3), 5);
        HeadDistillation all = new HeadDistillation(targets, source.normal(5), source.normal(5),
                () -> new HeadDistillation.Choice(null, teacher), 2, 0.3);
        return Stream.of(
                Sample.of(all, source.normal(5, 3), source.normal(7, 3))
                        .equalTo((tape, v) -> {
                            Variable logits = tape.apply(new MatMul(false, true), v[0], v[1]);
                            Variable hard = tape.apply(new CrossEntropy(targets, source.normal(5)), logits);
                            return Composed.distillation(tape, logits, hard, teacher, 2, 0.3);
                        }),
                Sample.of(new HeadDistillation(targets, source.normal(5), source.normal(5),
                        () -> new HeadDistillation.Choice(some, teacher.rows(1, 3)), 0.7, 1), source.normal(5, 3),
                        source.normal(7, 3)));
    }

    private static Stream<Sample> keepRows(SampleSource source) {
        return Stream.of(Sample.of(new KeepRows(new Rows(source.indices(0, 2, 3), 5)), source.normal(5, 3)),
                Sample.of(new KeepRows(new Rows(source.indices(1), 2)), source.normal(2, 4)));
    }

    private static Stream<Sample> layerNorm(SampleSource source) {
        LayerNorm small = new LayerNorm(1e-5);
        LayerNorm large = new LayerNorm(0.1);
        return Stream.of(
                Sample.of(small, source.normal(4, 6), source.normal(6), source.normal(6))
                        .equalTo((tape, v) -> Composed.layerNorm(v[0], v[1], v[2], 1e-5)),
                Sample.of(large, source.normal(2, 3, 5), source.normal(5), source.normal(5))
                        .equalTo((tape, v) -> Composed.layerNorm(v[0], v[1], v[2], 0.1)),
                Sample.of(large, source.normal(5), source.normal(5), source.normal(5)));
    }

    private static Stream<Sample> matMul(SampleSource source) {
        return Stream.of(Sample.of(new MatMul(), source.normal(4, 3), source.normal(3, 5)),
                Sample.of(new MatMul(false, true), source.normal(4, 3), source.normal(5, 3)),
                Sample.of(new MatMul(true, false), source.normal(3, 4), source.normal(3, 5)),
                Sample.of(new MatMul(true, true), source.normal(3, 4), source.normal(5, 3)),
                Sample.of(new MatMul(), source.normal(2, 4, 3), source.normal(3, 5)),
                Sample.of(new MatMul(false, true), source.normal(2, 2, 4, 3), source.normal(2, 2, 5, 3)),
                Sample.of(new MatMul(true, false), source.normal(2, 3, 4), source.normal(2, 3, 5)),
                Sample.of(new MatMul(true, true), source.normal(2, 3, 4), source.normal(5, 3)),
                Sample.of(new MatMul(), source.normal(4, 3), source.normal(2, 3, 5)));
    }

    private static Stream<Sample> sampledCrossEntropy(SampleSource source) {
        Tensor ids = source.indices(6, 0, 3, 2);
        Tensor offsets = source.normal(4);
        Tensor targets = source.ids(4, 5);
        return Stream.of(Sample
                .of(new SampledCrossEntropy(ids, offsets, targets, source.normal(5)), source.normal(5, 3),
                        source.normal(7, 3))
                .equalTo((tape, v) -> tape.apply(new CrossEntropy(targets, source.normal(5)),
                        tape.apply(new MatMul(false, true), v[0], tape.apply(new Gather(ids), v[1]))
                                .add(tape.constant(offsets)))));
    }

    private static Stream<Sample> tokenEmbedding(SampleSource source) {
        return Stream
                .of(Sample.of(new TokenEmbedding(source.ids(4, 2, 3), 0), source.normal(4, 5), source.normal(6, 5)));
    }

    private static Stream<Sample> weightedSum(SampleSource source) {
        return Stream.of(Sample.of(new WeightedSum(null, source.normal(5)), source.normal(5)),
                Sample.of(new WeightedSum(null, source.normal(2, 3)), source.normal(2, 3)),
                Sample.of(new WeightedSum(new Rows(source.indices(1, 3, 4), 6), source.normal(3)), source.normal(6)),
                Sample.of(new WeightedSum(new Rows(source.indices(0, 2), 3), source.normal(2, 4)), source.normal(3, 4)),
                Sample.of(new WeightedSum(new Rows(source.indices(), 3), source.normal(0)), source.normal(3)));
    }
}
