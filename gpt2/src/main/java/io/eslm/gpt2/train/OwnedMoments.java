// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.autograd.optim.Optimizer;
import io.eslm.gpt2.train.Team.Moment;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Storage;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The moments that a rank keeps, of what it owns of the parameters. */
final class OwnedMoments {
    private final Backend backend;
    private final Optimizer optimizer;
    private final Map<String, Shards.Piece> own;
    /** Of all trained parameters. */
    private final List<String> paths;

    OwnedMoments(Backend backend, Optimizer optimizer, Map<String, Shards.Piece> own, List<String> paths) {
        this.backend = backend;
        this.optimizer = optimizer;
        this.own = own;
        this.paths = paths;
    }

    /** Names the values {@code [from, from + n)} of a moment, to all ranks, with room for {@code more} bytes behind. */
    ByteBuffer what(Moment moment, String path, int from, int n, int more) {
        return ByteBuffer.allocate(1 + 3 * Integer.BYTES + more).put((byte) moment.ordinal())
                .putInt(paths.indexOf(path)).putInt(from).putInt(n);
    }

    /** The part of some values that this rank owns: {@code [from, from + n)} of them. */
    private record Part(Storage storage, int from, int n) {
    }

    private Optional<Part> part(ByteBuffer what) {
        Moment moment = Moment.values()[what.get()];
        String path = paths.get(what.getInt());
        int from = what.getInt();
        int n = what.getInt();
        Shards.Piece piece = own.get(path);
        int begin = piece == null ? 0 : Math.max(from, piece.from());
        int end = piece == null ? 0 : Math.min(from + n, piece.from() + piece.n());
        if (begin >= end) {
            return Optional.empty();
        }
        Tensor all = optimizer.state().get(moment.kind()).get(path);
        return Optional.of(new Part(backend.slice(all.storage(), begin - piece.from(), end - begin), begin - from,
                end - begin));
    }

    /** Those of the values that this rank owns, as bytes of floats. */
    byte[] read(ByteBuffer what) {
        return part(what).map(part -> {
            float[] floats = new float[part.n];
            backend.read(part.storage, floats, 0, part.n);
            ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * part.n);
            bytes.asFloatBuffer().put(floats);
            return bytes.array();
        }).orElse(new byte[0]);
    }

    /** Replaces those of the values that this rank owns with the floats behind {@code what}. */
    void write(ByteBuffer what) {
        part(what).ifPresent(part -> {
            float[] floats = new float[part.n];
            what.slice().asFloatBuffer().get(part.from, floats);
            backend.write(part.storage, floats, 0, part.n);
        });
    }
}
