// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.op.basic.Activate;
import io.eslm.gpt2.Gpt2.Block;
import io.eslm.tensor.DType;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.ScalarBackend;
import io.eslm.tensor.backend.Storage;
import java.util.ArrayList;
import java.util.List;

/**
 * Computes new positions of many sequences in one pass. Keys and values lie in pages of a pool (pages, NH, pageTokens, HS) for each
 * layer, and so do the hidden states of prompts (pages, pageTokens, C). A position has the bits that {@link KeyValueCache} gives it
 * when it reads the whole prompt at once and then token by token, whatever else a pass computes. All memory is allocated at the
 * beginning. Hooks of the model are not called.
 */
public final class PagedModel {
    private final Gpt2 model;
    private final Gpt2Config config;
    private final Kernels kernels;
    private final int pageTokens;
    private final int width;
    private final List<Storage> keys = new ArrayList<>();
    private final List<Storage> values = new ArrayList<>();
    private final Storage kept;
    private final Buffers buffers;
    private final Buffers[] from;
    private final Storage picked;
    private final Storage logits;
    private final Storage targets;
    private final Storage loss;
    private final Storage entropy;
    private final Storage lse;
    /** The parts of the pass, as the attention kernel takes them. */
    private final int[] first;
    private final int[] past;
    private final int[] as;
    private final int[] table;
    private final int[] ids;
    private int parts;
    private int picks;

    /** Activations of the rows from one on. */
    private record Buffers(Storage ids, Storage x, Storage h, Storage normed, Storage mean, Storage rstd, Storage qkv,
            Storage attended, Storage pre, Storage inner) {
        Buffers from(Backend backend, int row, int c, int i) {
            return new Buffers(rest(backend, ids, row), rest(backend, x, row * c), rest(backend, h, row * c),
                    rest(backend, normed, row * c), rest(backend, mean, row), rest(backend, rstd, row),
                    rest(backend, qkv, row * 3 * c), rest(backend, attended, row * c), rest(backend, pre, row * i),
                    rest(backend, inner, row * i));
        }

        private static Storage rest(Backend backend, Storage s, int at) {
            return backend.slice(s, at, s.size() - at);
        }
    }

    /**
     * Allocates the pool.
     *
     * @param rows positions of one pass, at most
     * @param logitRows positions whose logits are computed at once, at most
     * @throws UserError if the model has adapters in training
     */
    public PagedModel(Gpt2 model, int pages, int pageTokens, int rows, int logitRows) {
        UserError.check(model.lowRank().isEmpty(),
                "the model's adapters are being trained; load its folder to generate many texts at once");
        this.model = model;
        this.pageTokens = pageTokens;
        config = model.config();
        kernels = model.backend().kernels();
        width = (config.blockSize() + pageTokens - 1) / pageTokens;
        int c = config.nEmbd();
        int page = Math.multiplyExact(pages, pageTokens * c);
        for (int l = 0; l < config.nLayer(); l++) {
            keys.add(floats(page));
            values.add(floats(page));
        }
        kept = floats(page);
        buffers = new Buffers(ints(rows), floats(rows * c), floats(rows * c), floats(rows * c), floats(rows),
                floats(rows),
                floats(rows * 3 * c), floats(rows * c), floats(rows * config.nInner()), floats(rows * config.nInner()));
        from = new Buffers[rows];
        picked = floats(logitRows * c);
        logits = floats(logitRows * config.vocabSize());
        targets = ints(logitRows);
        loss = floats(logitRows);
        entropy = floats(logitRows);
        lse = floats(logitRows);
        first = new int[rows + 1];
        past = new int[rows];
        as = new int[rows];
        table = new int[rows * width];
        ids = new int[rows];
    }

    /** True if it can compute {@code model}: other backends have no kernels for pages, and adapters in training have no place here. */
    public static boolean takes(Gpt2 model) {
        return model.backend() instanceof ScalarBackend && model.lowRank().isEmpty();
    }

    /** Bytes of one page: keys and values of all layers, and hidden states. */
    public static long pageBytes(Gpt2Config config, int pageTokens) {
        return (2L * config.nLayer() + 1) * pageTokens * config.nEmbd() * Float.BYTES;
    }

    private Storage floats(int n) {
        return model.backend().allocate(DType.F32, n);
    }

    private Storage ints(int n) {
        return model.backend().allocate(DType.I32, n);
    }

    private Buffers from(int row) {
        if (from[row] == null) {
            from[row] = buffers.from(model.backend(), row, config.nEmbd(), config.nInner());
        }
        return from[row];
    }

    /** Begins a pass. */
    public void clear() {
        parts = 0;
    }

    /** Positions that the pass has so far. */
    public int rows() {
        return first[parts];
    }

    /**
     * Adds positions of a sequence to the pass: ids[at], …, ids[at + count − 1], at positions {@code before}, before + 1, ….
     *
     * @param together how many positions are read together in the definition of their bits: the length of the prompt, or 1 for a
     *     new token
     * @param pages of the sequence, up to these positions
     * @return the row of the first
     */
    public int add(int[] sequence, int at, int count, int before, int together, int[] pages) {
        int row = rows();
        if (row + count > ids.length || before + count > config.blockSize()) {
            throw new IllegalArgumentException("gpt2: " + count + " positions after " + row + " rows and " + before
                    + " positions do not fit");
        }
        System.arraycopy(sequence, at, ids, row, count);
        System.arraycopy(pages, 0, table, parts * width, (before + count + pageTokens - 1) / pageTokens);
        past[parts] = before;
        as[parts] = Math.min(together, Kernels.MANY);
        first[++parts] = row + count;
        return row;
    }

    /** Computes the pass: keys and values go to the pages, hidden states after the final norm stay until the next one. */
    public void forward() {
        int rows = rows();
        if (rows == 0) {
            return;
        }
        int c = config.nEmbd();
        model.backend().write(buffers.ids, ids, 0, rows);
        for (int s = 0; s < parts; s++) {
            Buffers part = from(first[s]);
            kernels.embedding(part.x, part.ids, model.tokens.value().storage(), model.positions.value().storage(), 1,
                    first[s + 1] - first[s], c, past[s]);
        }
        for (int l = 0; l < config.nLayer(); l++) {
            block(model.blocks.get(l), l, rows);
        }
        norm(buffers.x, model.norm, rows);
    }

    private void norm(Storage x, Parameter[] norm, int rows) {
        kernels.layerNorm(buffers.normed, buffers.mean, buffers.rstd, x, norm[0].value().storage(),
                norm[1].value().storage(), rows, config.nEmbd(), config.layerNormEps());
    }

    private void block(Block block, int layer, int rows) {
        int c = config.nEmbd();
        norm(buffers.x, block.attentionNorm, rows);
        groups((b, n, like) -> linear(b.qkv, null, b.normed, block.qkv, null, n, c, 3 * c, like));
        if (block.scale != null) {
            kernels.binary(Kernels.Binary.MUL, buffers.qkv, buffers.qkv, block.scale.storage(), new int[] {rows, 3 * c},
                    new int[] {3 * c, 1}, new int[] {0, 1});
        }
        kernels.attentionPaged(buffers.attended, keys.get(layer), values.get(layer), buffers.qkv, parts, first, past,
                as,
                table, width, pageTokens, config.nHead(), config.headSize());
        groups((b, n, like) -> linear(b.h, null, b.attended, block.projection, b.x, n, c, c, like));
        norm(buffers.h, block.mlpNorm, rows);
        int i = config.nInner();
        groups((b, n, like) -> linear(b.inner, block.activation == null ? b.pre : null, b.normed, block.up, null, n, c,
                i,
                like));
        if (block.activation instanceof Activate other) {
            kernels.activation(other.f(), buffers.inner, buffers.inner, rows * i);
        }
        groups((b, n, like) -> linear(b.x, null, b.inner, block.down, b.h, n, i, c, like));
    }

    private void linear(Storage y, Storage pre, Storage x, Parameter[] linear, Storage residual, int m, int k, int n,
            int like) {
        kernels.linearRows(y, pre, x, linear[0].value().storage(), linear[1].value().storage(), residual, m, k, n,
                false,
                like);
    }

    private interface Group {
        void run(Buffers rows, int count, int like);
    }

    /** Neighbouring parts whose products are alike are one product. */
    private void groups(Group body) {
        for (int s = 0; s < parts;) {
            int end = s + 1;
            while (end < parts && as[end] == as[s]) {
                end++;
            }
            body.run(from(first[s]), first[end] - first[s], as[s]);
            s = end;
        }
    }

    /** Keeps the hidden states of {@code count} rows of the pass as those of positions {@code position}, … of their sequence. */
    public void keep(int row, int count, int position, int[] pages) {
        int c = config.nEmbd();
        for (int i = 0; i < count;) {
            int n = Math.min(count - i, pageTokens - (position + i) % pageTokens);
            kernels.copy2d(kept, place(position + i, pages), c, buffers.normed, (row + i) * c, c, n, c);
            i += n;
        }
    }

    /** Copies the keys and values of page {@code from} to page {@code to}, so that two sequences can go on from there. */
    public void copyPage(int from, int to) {
        int n = pageTokens * config.nEmbd();
        for (List<Storage> each : List.of(keys, values)) {
            each.forEach(all -> kernels.copy2d(all, to * n, n, all, from * n, n, 1, n));
        }
    }

    private int place(int position, int[] pages) {
        return (pages[position / pageTokens] * pageTokens + position % pageTokens) * config.nEmbd();
    }

    // ---- logits

    /** Begins a choice of positions for {@link #logits}. */
    public void clearPicks() {
        picks = 0;
    }

    /** How many are chosen so far. */
    public int picks() {
        return picks;
    }

    /** Chooses a row of the pass. */
    public void pick(int row) {
        pick(buffers.normed, row * config.nEmbd());
    }

    /** Chooses a position whose hidden state is {@link #keep kept}. */
    public void pickKept(int position, int[] pages) {
        pick(kept, place(position, pages));
    }

    private void pick(Storage of, int at) {
        int c = config.nEmbd();
        kernels.copy2d(picked, picks++ * c, c, of, at, c, 1, c);
    }

    /** Computes the logits of the choice. {@code together} is as in {@link #add}: 1, or the rows of the pass whose bits these are. */
    public void logits(int together) {
        kernels.linearRows(logits, null, picked, model.head().value().storage(), null, null, picks, config.nEmbd(),
                config.vocabSize(), true, Math.min(together, Kernels.MANY));
    }

    /** Reads the logits of the first {@code rows} of the choice, (rows, V). */
    public void read(float[] to, int rows) {
        model.backend().read(logits, to, 0, rows * config.vocabSize());
    }

    /**
     * −log softmax(logits)[target] of each of the choice, and the logarithm of the softmax's denominator.
     *
     * @param next one id for each
     */
    public void losses(int[] next, float[] losses, float[] lses) {
        model.backend().write(targets, next, 0, picks);
        kernels.crossEntropy(loss, entropy, lse, logits, targets, picks, config.vocabSize());
        model.backend().read(loss, losses, 0, picks);
        model.backend().read(lse, lses, 0, picks);
    }
}
