// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import io.eslm.autograd.OpContext;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.FlopCounter.Phase;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/** Makes the {@link OpRecord}s of a step. Micro-batches apply the same ops in the same order, so they share the records. */
final class OpWatch extends StepWatch {
    /** A pass that is running; what ops inside it take is theirs. */
    private static final class Span {
        private final Phase phase;
        private final long flops;
        private long start;
        private long nanosInside;
        private long flopsInside;
        private int arrived;

        Span(Phase phase, long flops) {
            this.phase = phase;
            this.flops = flops;
        }
    }

    private final Backend backend;
    private final Parts parts;
    private final List<OpRecord> records = new ArrayList<>();
    private final Map<Tensor, OpRecord> makers = new IdentityHashMap<>();
    /** The records whose gradient for a tensor is its maker's gradient. */
    private final Map<Tensor, List<OpRecord>> readers = new IdentityHashMap<>();
    private final Map<OpContext, OpRecord> applied = new IdentityHashMap<>();
    private final Deque<Span> running = new ArrayDeque<>();
    private int next;

    OpWatch(Backend backend, Parts parts) {
        this.backend = backend;
        this.parts = parts;
    }

    /** In the order in which they finished their forward pass. */
    List<OpRecord> records() {
        return records;
    }

    /** The index of the record of an op of this micro-batch. */
    int index(OpContext op) {
        return applied.get(op).index();
    }

    @Override
    void begin(int micro) {
        makers.clear();
        readers.clear();
        applied.clear();
        next = 0;
    }

    @Override
    public void beforeForward(OpContext op) {
        running.push(new Span(backend.flops().phase(), backend.flops().total()));
        start();
    }

    @Override
    public void afterForward(OpContext op) {
        long now = now();
        Span span = running.pop();
        OpRecord record = record(op, span.phase);
        end(span, now, record.forward());
        record.forward().addBytes(OpBytes.forward(op));
        record.addRows(OpBytes.rows(op.output()));
        makers.put(op.output(), record);
        applied.put(op, record);
        for (int i = 0; i < op.inputCount(); i++) {
            Tensor x = op.input(i);
            String path = parts.path(x);
            if (path != null) {
                record.weight(path);
            } else if (makers.containsKey(x)) {
                record.source(makers.get(x));
                if (op.needs(i)) {
                    readers.computeIfAbsent(x, _ -> new ArrayList<>()).add(record);
                }
            }
        }
    }

    /** The record of this place, where an earlier micro-batch had the same op there, or a new one. */
    private OpRecord record(OpContext op, Phase phase) {
        OpRecord newest = null;
        for (int i = 0; i < op.inputCount(); i++) {
            OpRecord maker = makers.get(op.input(i));
            newest = maker != null && (newest == null || maker.index() > newest.index()) ? maker : newest;
        }
        String part = parts.of(op, newest);
        for (int place = next; place < records.size(); place++) {
            if (records.get(place).is(op, part, phase)) {
                next = place + 1;
                return records.get(place);
            }
        }
        records.add(new OpRecord(records.size(), op, part, phase));
        next = records.size();
        return records.getLast();
    }

    @Override
    public void beforeBackward(OpContext op) {
        Span span = new Span(backend.flops().phase(), backend.flops().total());
        span.arrived = op.arrived().size();
        long bytes = OpBytes.of(op.arrived());
        applied.get(op).backward().addBytes(bytes);
        readers.getOrDefault(op.output(), List.of()).stream().filter(r -> r.backward().runs() > 0)
                .forEach(r -> r.backward().addBytes(bytes));
        running.push(span);
        start();
    }

    @Override
    public void afterBackward(OpContext op) {
        long now = now();
        Span span = running.pop();
        OpRecord record = applied.get(op);
        end(span, now, record.backward());
        long total = OpBytes.total(op);
        long kept = OpBytes.kept(op, span.arrived);
        record.addRows(kept, total);
        record.backward().addBytes(OpBytes.backward(op, parts, kept, total));
    }

    private long now() {
        backend.finish();
        return System.nanoTime();
    }

    private void start() {
        running.peek().start = now();
    }

    private void end(Span span, long now, OpRecord.Cost cost) {
        long nanos = now - span.start;
        long flops = backend.flops().total() - span.flops;
        cost.add(flops - span.flopsInside, nanos - span.nanosInside);
        if (!running.isEmpty()) {
            running.peek().nanosInside += nanos;
            running.peek().flopsInside += flops;
        }
    }
}
