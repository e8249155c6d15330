// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.objective;

import io.eslm.tensor.UserError;
import io.eslm.autograd.Rows;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.Gather;
import io.eslm.autograd.op.HeadDistillation;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.train.MicroBatch;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.Selection;
import io.eslm.gpt2.train.Shown;
import io.eslm.select.FrozenModel;
import io.eslm.select.Method;
import io.eslm.select.SelectionPreview;
import io.eslm.select.token.AlphaSchedule;
import io.eslm.select.token.Risk;
import io.eslm.select.token.TailSelection;
import io.eslm.select.token.TokenScores;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.tensor.DType;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.FlopCounter.Phase;
import java.util.List;

/**
 * ESLM-KD (arXiv 2505.19893): knowledge distillation on the selected tokens only,
 * L = (1/K) Σ_{kept} [(1−λ)·ℓ_j + λ·τ²·KL(p_T^τ ‖ p_S^τ)], with p^τ the softmax of logits/τ. The student's risk selects the
 * tokens, as without a teacher. The teacher is not trained and has no dropout; its head sees the kept tokens only. With λ = 0
 * there is no pass of the teacher, and the result equals ESLM's bit for bit.
 */
public final class DistillationObjective implements Objective, SelectionPreview {
    /** τ. */
    public static final Option<Double> TEMPERATURE =
            Option.number("temperature", "T", "temperature that softens both distributions")
                    .must("be above 0", t -> t > 0).defaultsTo(2.0);
    /** λ. */
    public static final Option<Double> KD_WEIGHT =
            Option.number("kd weight", "W", "weight of the teacher; 0: only the loss, 1: only the teacher")
                    .must("be at least 0 and at most 1", w -> w >= 0 && w <= 1).defaultsTo(0.5);
    private static final FrozenModel TEACHER =
            new FrozenModel(Option.path("teacher", "DIR", "model folder of the teacher"));
    /** The method. */
    static final Method METHOD = Method.of("kd",
            List.of(ValueAtRisk.ALPHA, AlphaSchedule.ALPHA_END, Risk.OPTION, TEACHER.folder(), TEMPERATURE, KD_WEIGHT),
            (spec, models) -> new DistillationObjective(spec.toString(), AlphaSchedule.of(spec.values()),
                    spec.values().get(Risk.OPTION), TEACHER.load(spec.values(), models),
                    spec.values().get(TEMPERATURE), spec.values().get(KD_WEIGHT)))
            .checking(TEACHER::check)
            .needing((values, model, batch) -> TEACHER.memory(values, model, batch)
                    + 4L * batch * model.blockSize() * model.vocabSize());

    private final String name;
    private final AlphaSchedule alpha;
    private final Risk risk;
    private final Gpt2 teacher;
    private final double temperature;
    private final double mix;
    private final SelectiveObjective withoutTeacher;
    private double level;

    /**
     * Learns from a teacher.
     *
     * @param teacher on the same backend, with the same vocabulary and at least as many positions
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
        withoutTeacher = new SelectiveObjective(name, alpha, risk);
        level = alpha.from();
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Loss of(MicroBatch batch) {
        level = alpha.at(batch.progress());
        if (mix == 0) {
            return withoutTeacher.of(batch);
        }
        for (String value : List.of("logits", "loss")) {
            if (batch.model().hooks().stream().anyMatch(h -> h.replaces(value))) {
                throw new UserError(
                        "method " + name + " computes " + value + " in one op with its teacher, where it cannot be "
                                + "replaced; replace ln_final");
            }
        }
        teacher.separateDocuments(batch.model().separator());
        try (Tape teaching = Tape.evaluation(batch.tape().workspace())) {
            Variable known =
                    teacher.backend().flops().in(Phase.SELECTION, () -> teacher.forward(teaching, batch.ids()));
            return new Pass(batch, teaching, known).loss();
        }
    }

    /** One micro-batch that the teacher has read. */
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

        Loss loss() {
            Tape tape = batch.tape();
            Variable mixed = tape.apply(
                    new HeadDistillation(batch.targets(), loss, entropy, this::choose, temperature, mix),
                    batch.model().forward(tape, batch.ids()), batch.model().head());
            Shown.values(batch, "loss", loss);
            Shown.values(batch, "entropy", entropy);
            Shown.kept(batch, selection);
            Variable total = tape.apply(new WeightedSum(null, tape.put(selection.weights(batch.share()),
                    selection.kept())), mixed);
            return Loss.of(total, loss.toFloats(), selection);
        }

        private HeadDistillation.Choice choose() {
            selection = SelectiveObjective.choose(new TailSelection(risk, level), loss.toFloats(), entropy.toFloats(),
                    batch);
            Rows rows = selection.rows(batch.tape(), batch.tokens());
            return new HeadDistillation.Choice(rows,
                    teacher.backend().flops().in(Phase.SELECTION, () -> teacherLogits(rows)));
        }

        /** In memory of the training tape, because the backward pass needs them after the teacher's tape is closed. */
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
        return new Choice(risk, level, scores.selected(new TailSelection(risk, level)));
    }
}
