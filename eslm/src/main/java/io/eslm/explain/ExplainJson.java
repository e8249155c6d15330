// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.eslm.gpt2.PretrainedNames;
import io.eslm.tensor.Shape;
import io.eslm.tensor.io.Json;
import java.util.Locale;

/** Tells a step as one JSON object; docs/explain.md lists its fields. */
public final class ExplainJson {
    private ExplainJson() {
    }

    /** All of it. */
    public static JsonObject of(Explanation told) {
        JsonObject o = new JsonObject();
        o.addProperty("step", told.what());
        o.addProperty("method", told.method());
        o.addProperty("backend", told.backend());
        o.add("peak_flops", Json.number(told.peakFlops()));
        o.addProperty("repetitions", told.repetitions());
        outcome(o, told);
        JsonArray ops = new JsonArray();
        told.ops().forEach(op -> ops.add(op(told, op)));
        o.add("ops", ops);
        JsonObject between = new JsonObject();
        between.addProperty("multiply_adds", told.flopsBetweenOps() / 2);
        between.addProperty("forward_seconds", told.forwardBetweenOps());
        between.addProperty("backward_seconds", told.backwardBetweenOps());
        o.add("between_ops", between);
        JsonObject update = new JsonObject();
        update.addProperty("bytes", StepCost.updateBytes(told.step().model().parameterCount()));
        update.addProperty("seconds", told.update());
        o.add("update", update);
        o.add("total", cost(told.cost()));
        o.addProperty("fastest_step_seconds", told.fastest());
        told.withoutSelection().ifPresent(without -> o.add("without_selection", cost(without)));
        JsonArray tokens = new JsonArray();
        told.tokens().forEach(t -> tokens.add(token(told, t)));
        o.add("tokens", tokens);
        told.row().ifPresent(row -> o.add("row", row(row)));
        return o;
    }

    private static void outcome(JsonObject o, Explanation told) {
        StepOutcome outcome = told.outcome();
        o.addProperty("windows", told.step().batch().windows() * told.step().batch().micros());
        o.addProperty("window_tokens", told.step().batch().time());
        o.addProperty("kept", told.kept());
        o.addProperty("dropped", told.tokens().size() - told.kept());
        o.add("loss", Json.number(outcome.loss()));
        o.add("kept_loss", Json.number(outcome.keptLoss()));
        o.add("value_at_risk", Json.number(outcome.valueAtRisk()));
        o.add("alpha", Json.number(outcome.alpha()));
        o.add("grad_norm", Json.number(outcome.gradNorm()));
        o.addProperty("learning_rate", told.step().learningRate());
    }

    private static JsonObject op(Explanation told, OpRecord op) {
        JsonObject o = new JsonObject();
        o.addProperty("part", op.part());
        o.addProperty("op", op.name());
        o.addProperty("phase", op.phase().name().toLowerCase(Locale.ROOT));
        JsonArray inputs = new JsonArray();
        op.inputs().forEach(shape -> inputs.add(shape(shape)));
        o.add("inputs", inputs);
        o.add("output", shape(op.output()));
        JsonArray sources = new JsonArray();
        op.sources().forEach(sources::add);
        o.add("sources", sources);
        JsonArray weights = new JsonArray();
        op.weights().forEach(path -> weights.add(PretrainedNames.of(path)));
        o.add("parameters", weights);
        o.add("forward", pass(told, op.forward()));
        if (op.backward().runs() == 0) {
            o.add("backward", JsonNull.INSTANCE);
        } else {
            JsonObject backward = pass(told, op.backward());
            backward.addProperty("rows", op.rowsKept());
            backward.addProperty("of", op.rowsOf());
            o.add("backward", backward);
        }
        return o;
    }

    private static JsonObject pass(Explanation told, OpRecord.Cost cost) {
        JsonObject o = new JsonObject();
        o.addProperty("multiply_adds", cost.multiplyAdds());
        o.addProperty("bytes", cost.bytes());
        o.addProperty("seconds", cost.seconds());
        o.add("share_of_peak", Json.number(told.shareOfPeak(cost.flops(), cost.seconds())));
        return o;
    }

    private static JsonObject cost(StepCost cost) {
        JsonObject o = new JsonObject();
        o.addProperty("multiply_adds", cost.multiplyAdds());
        o.addProperty("bytes", cost.bytes());
        o.addProperty("seconds", cost.seconds());
        return o;
    }

    private static JsonObject token(Explanation told, TokenFate t) {
        JsonObject o = new JsonObject();
        o.addProperty("window", t.micro() * told.step().batch().windows() + t.window());
        o.addProperty("position", t.position());
        o.addProperty("reads", t.reads());
        o.addProperty("id", t.id());
        o.add("text", told.text(t.id()).<JsonElement>map(JsonPrimitive::new)
                .orElse(JsonNull.INSTANCE));
        o.add("loss", Json.number(t.loss()));
        o.add("entropy", Json.number(t.entropy()));
        o.addProperty("kept", t.kept());
        o.addProperty("ends", t.end().name().toLowerCase(Locale.ROOT));
        o.addProperty("weight", t.weight());
        o.addProperty("why", t.why());
        return o;
    }

    private static JsonObject row(RowGradient row) {
        JsonObject o = new JsonObject();
        o.addProperty("parameter", row.parameter());
        o.addProperty("row", row.row());
        o.add("norm", Json.number(row.norm()));
        o.add("rest_norm", Json.number(row.rest()));
        JsonArray terms = new JsonArray();
        row.terms().forEach(t -> {
            JsonObject term = new JsonObject();
            term.addProperty("token", t.token());
            term.addProperty("op", t.op());
            term.add("norm", Json.number(t.norm()));
            term.add("share", Json.number(t.share()));
            terms.add(term);
        });
        o.add("terms", terms);
        return o;
    }

    private static JsonArray shape(Shape shape) {
        JsonArray dims = new JsonArray();
        for (int d : shape.dims()) {
            dims.add(d);
        }
        return dims;
    }
}
