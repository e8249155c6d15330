// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import com.google.gson.JsonObject;
import io.eslm.autograd.Parameter;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.inspect.Probes;
import io.eslm.gpt2.train.Trainer;
import io.eslm.report.StepLog;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Storage;
import io.eslm.tensor.io.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Records what happens inside the layers, every few steps: one line each. It looks at the step from outside and changes
 * nothing of it. The parts of the model are the embedding, the attention and the MLP of each block with the norm before them,
 * the final norm, and a head that is not the embedding.
 *
 * <p>gradient: the norm of a part's gradient before clipping. update: the root mean square of the change of a part's weights in
 * the step, divided by that of the weights before it, both from a fixed sample of at most {@value #SAMPLE} weights of each
 * parameter, in {@value #CHUNKS} runs spread evenly over it. activation: the root mean square of the residual stream before the
 * first block and after each one, over all tokens of the step. dead: the share of the MLP's units whose output is below
 * {@value #DEAD} at every token of the step.
 */
final class LayerRecorder implements AutoCloseable {
    static final double DEAD = 0.01;
    static final int SAMPLE = 4096;
    static final int CHUNKS = 8;
    private static final int BUFFER = 1 << 16;
    private static final String FIRST = "blocks.0.resid_pre";

    /** The parameters of one part of the model. */
    private static final class Part {
        private final List<Parameter> parameters = new ArrayList<>();
        private double gradient;
        private double before;
        private double change;
    }

    private final Trainer trainer;
    private final int interval;
    private final StepLog log;
    private final Backend backend;
    private final Map<String, Part> parts = new LinkedHashMap<>();
    private final Map<String, double[]> squares = new LinkedHashMap<>();
    private final Map<String, float[]> peaks = new LinkedHashMap<>();
    private final List<float[]> samples = new ArrayList<>();
    private final float[] buffer = new float[BUFFER];
    private final Runnable look = this::gradients;
    private Tensor sum;
    private Probes probes;

    LayerRecorder(Trainer trainer, int interval, StepLog log) {
        this.trainer = trainer;
        this.interval = interval;
        this.log = log;
        Gpt2 model = trainer.model();
        backend = model.backend();
        model.parameters().forEach((name, p) -> {
            if (p.needsGradient()) {
                parts.computeIfAbsent(part(name), _ -> new Part()).parameters.add(p);
            }
        });
    }

    private static String part(String parameter) {
        if (parameter.startsWith("finalNorm")) {
            return "final_norm";
        }
        if (parameter.startsWith("head")) {
            return "head";
        }
        return parameter.startsWith("blocks.")
                ? parameter.replaceFirst("^(blocks\\.\\d+)\\.(attention|mlp).*", "$1.$2") : "embedding";
    }

    /** Between steps: prepares for the next one, if it is to be recorded. */
    void beforeStep() {
        if ((trainer.step() + 1) % interval != 0 && trainer.step() != 0) {
            return;
        }
        squares.clear();
        peaks.clear();
        probes = Probes.on(trainer.model()).observe(FIRST, this::scale).observe("blocks.*.resid_post", this::scale)
                .observe("blocks.*.mlp.post", this::peak);
        trainer.watchGradients(look);
    }

    private void scale(String name, Tensor value) {
        double[] of = squares.computeIfAbsent(name.equals(FIRST) ? "embedding" : block(name), _ -> new double[2]);
        of[0] += sumOfSquares(new Storage[] {value.storage()}, value.size());
        of[1] += value.size();
    }

    private static String block(String name) {
        return name.replaceFirst("^(blocks\\.\\d+)\\..*", "$1");
    }

    private double sumOfSquares(Storage[] of, int... sizes) {
        if (sum == null) {
            sum = Tensor.zeros(backend, of[0].dtype(), 1);
        }
        backend.kernels().fill(sum.storage(), 1, 0);
        backend.kernels().addSumOfSquares(sum.storage(), of, sizes);
        return sum.toDoubles()[0];
    }

    /** The largest |output| of each unit so far. */
    private void peak(String name, Tensor value) {
        int units = value.dim(value.rank() - 1);
        float[] peak = peaks.computeIfAbsent(block(name), _ -> new float[units]);
        for (int from = 0; from < value.size(); from += BUFFER) {
            int n = Math.min(BUFFER, value.size() - from);
            backend.read(backend.slice(value.storage(), from, n), buffer, 0, n);
            int unit = from % units;
            for (int i = 0; i < n; i++) {
                peak[unit] = Math.max(peak[unit], Math.abs(buffer[i]));
                unit = unit + 1 == units ? 0 : unit + 1;
            }
        }
    }

    /** Between the gradients of a step and its update. */
    private void gradients() {
        samples.clear();
        for (Part part : parts.values()) {
            Storage[] all = part.parameters.stream().map(p -> p.gradient().storage()).toArray(Storage[]::new);
            part.gradient = Math.sqrt(
                    sumOfSquares(all, part.parameters.stream().mapToInt(p -> p.value().size()).toArray()));
            part.before = 0;
            for (Parameter p : part.parameters) {
                float[] sample = sample(p.value());
                samples.add(sample);
                part.before += weight(p, sample) * squares(sample);
            }
        }
    }

    /** How many weights one of the sample stands for. */
    private static double weight(Parameter p, float[] sample) {
        return (double) p.value().size() / sample.length;
    }

    private static double squares(float[] values) {
        double s = 0;
        for (float v : values) {
            s += (double) v * v;
        }
        return s;
    }

    private float[] sample(Tensor t) {
        if (t.size() <= SAMPLE) {
            return t.toFloats();
        }
        int run = SAMPLE / CHUNKS;
        float[] values = new float[SAMPLE];
        for (int c = 0; c < CHUNKS; c++) {
            int from = (int) ((long) (t.size() - run) * c / (CHUNKS - 1));
            backend.read(backend.slice(t.storage(), from, run), values, c * run, run);
        }
        return values;
    }

    /** After a step, before anything else runs the model. */
    void afterStep() {
        if (probes == null) {
            return;
        }
        stop();
        int i = 0;
        for (Part part : parts.values()) {
            part.change = 0;
            for (Parameter p : part.parameters) {
                float[] before = samples.get(i++);
                float[] after = sample(p.value());
                for (int k = 0; k < after.length; k++) {
                    after[k] -= before[k];
                }
                part.change += weight(p, after) * squares(after);
            }
        }
        log.write(line());
    }

    private JsonObject line() {
        JsonObject o = new JsonObject();
        o.addProperty("step", trainer.step());
        JsonObject gradient = new JsonObject();
        JsonObject update = new JsonObject();
        parts.forEach((name, part) -> {
            add(gradient, name, part.gradient);
            add(update, name, Math.sqrt(part.change / part.before));
        });
        o.add("gradient", gradient);
        o.add("update", update);
        JsonObject activation = new JsonObject();
        squares.forEach((name, s) -> add(activation, name, Math.sqrt(s[0] / s[1])));
        o.add("activation", activation);
        JsonObject dead = new JsonObject();
        peaks.forEach((name, peak) -> {
            int n = 0;
            for (float p : peak) {
                n += p < DEAD ? 1 : 0;
            }
            add(dead, name, (double) n / peak.length);
        });
        o.add("dead", dead);
        return o;
    }

    private static void add(JsonObject o, String name, double value) {
        o.add(name, Json.number((float) value));
    }

    private void stop() {
        if (probes != null) {
            probes.close();
            probes = null;
            trainer.unwatchGradients(look);
        }
    }

    @Override
    public void close() {
        stop();
        log.close();
    }
}
