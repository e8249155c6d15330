// SPDX-License-Identifier: Apache-2.0
package io.eslm.select;

import io.eslm.autograd.Rows;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.Gather;
import io.eslm.autograd.op.HeadDistillation;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatchLoss;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.Selection;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.FlopCounter.Phase;

/**
 * ESLM-KD (arXiv 2505.19893): knowledge distillation on the selected tokens alone,
 * L = (1/K) Σ_{kept} [(1−λ)·ℓ_j + λ·τ²·KL(p_T^τ ‖ p_S^τ)], with p^τ the softmax of logits/τ. The tokens are selected by the
 * student's risk, as without a teacher. The teacher is not trained and has no dropout; its head sees the kept tokens only.
 * λ = 0 asks no teacher, and is ESLM bit for bit.
 */
public final class DistillationObjective implements Objective, SelectionPreview {
    private final String name;
    private final AlphaSchedule alpha;
    private final Risk risk;
    private final Gpt2 teacher;
    private final double temperature;
    private final double mix;
    private final SelectiveObjective alone;
    private double level;

    /**
     * Takes a teacher on the same backend, of the same vocabulary and with at least as many positions.
     *
     * @param temperature τ
     * @param mix λ
     */
    public DistillationObjective(String name, AlphaSchedule alpha, Risk risk, Gpt2 teacher, double temperature,
            double mix) {
        this.name = name;
        this.alpha = alpha;
        this.risk = risk;
        this.teacher = teacher;
        this.temperature = temperature;
        this.mix = mix;
        alone = new SelectiveObjective(name, alpha, risk);
        level = alpha.from();
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public MicroBatchLoss of(MicroBatch batch) {
        level = alpha.at(batch.progress());
        if (mix == 0) {
            return alone.of(batch);
        }
        try (Tape teaching = Tape.evaluation(batch.tape().workspace())) {
            Variable known =
                    teacher.backend().flops().in(Phase.SELECTION, () -> teacher.forward(teaching, batch.ids()));
            return new Pass(batch, teaching, known).loss();
        }
    }

    /** One micro-batch, once the teacher has read it. */
    private final class Pass {
        private final MicroBatch batch;
        private final Tape teaching;
        private final Variable known;
        private final Tensor loss;
        private final Tensor entropy;
        private Selection selection;

        Pass(MicroBatch batch, Tape teaching, Variable known) {
            this.batch = batch;
            this.teaching = teaching;
            this.known = known;
            loss = batch.tape().memory(DType.F32, batch.tokens());
            entropy = batch.tape().memory(DType.F32, batch.tokens());
        }

        MicroBatchLoss loss() {
            Tape tape = batch.tape();
            Variable mixed = tape.apply(
                    new HeadDistillation(batch.targets(), loss, entropy, this::choose, temperature, mix),
                    batch.model().forward(tape, batch.ids()), batch.model().head());
            Variable total = tape.apply(new WeightedSum(null, tape.put(selection.weights(batch.share()),
                    selection.kept())), mixed);
            return MicroBatchLoss.of(total, loss.toFloats(), selection);
        }

        private HeadDistillation.Choice choose() {
            selection = SelectiveObjective.choose(risk.above(level), loss.toFloats(), entropy.toFloats(), batch);
            Rows rows = selection.rows(batch.tape(), batch.tokens());
            return new HeadDistillation.Choice(rows,
                    teacher.backend().flops().in(Phase.SELECTION, () -> teacherLogits(rows)));
        }

        /** In memory of the training tape: the backward pass needs them, when the teacher's own tape has been closed. */
        private Tensor teacherLogits(Rows rows) {
            Tensor hidden = (rows == null ? known : teaching.apply(new Gather(rows.indices()), known)).value();
            Tensor head = teacher.head().value();
            Tensor logits = batch.tape().memory(DType.F32, hidden.dim(0), head.dim(0));
            logits.kernels().matmul(logits.storage(), hidden.storage(), head.storage(), hidden.dim(0), hidden.dim(1),
                    head.dim(0), false, true, false);
            return logits;
        }
    }

    @Override
    public Choice preview(int[] text, TokenScores scores) {
        return new Choice(risk, level, scores.selected(risk.above(level)));
    }
}
