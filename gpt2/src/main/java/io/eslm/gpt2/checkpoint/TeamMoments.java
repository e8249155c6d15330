// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.checkpoint;

import io.eslm.gpt2.PretrainedNames;
import io.eslm.gpt2.train.Team;
import io.eslm.gpt2.train.Team.Moment;
import io.eslm.gpt2.train.Trainer;
import io.eslm.tensor.Shape;
import io.eslm.tensor.io.Safetensors;
import io.eslm.tensor.io.TensorFile;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** The moments of all ranks of a training, piece by piece from those that own them: no rank holds more than its own. */
final class TeamMoments implements TensorFile {
    /** A moment of a parameter, whole. */
    private record Whole(Moment moment, String path, Shape shape) {
    }

    private final Team team;
    private final Map<String, Whole> all = new LinkedHashMap<>();

    TeamMoments(Trainer trainer) {
        team = trainer.team();
        trainer.model().parameters().forEach((path, p) -> {
            if (p.needsGradient()) {
                for (Moment moment : team.moments(path)) {
                    all.put(moment.kind() + "." + PretrainedNames.of(path), new Whole(moment, path, p.shape()));
                }
            }
        });
    }

    /** Gives each rank what it owns of the moments in {@code file}. */
    void restore(Safetensors file) {
        float[] floats = new float[CHUNK];
        all.forEach((name, whole) -> {
            Checkpoints.check(file, name, whole.shape);
            for (int at = 0; at < whole.shape.size(); at += CHUNK) {
                int n = Math.min(CHUNK, whole.shape.size() - at);
                file.floats(name, at, floats, n);
                team.write(whole.moment, whole.path, at, floats, n);
            }
        });
    }

    @Override
    public Path file() {
        return Path.of(CheckpointFiles.MOMENTS);
    }

    @Override
    public Set<String> names() {
        return all.keySet();
    }

    @Override
    public Shape shape(String name) {
        return all.get(name).shape;
    }

    @Override
    public void floats(String name, int from, float[] out, int n) {
        Whole whole = all.get(name);
        team.read(whole.moment, whole.path, from, out, n);
    }

    @Override
    public void close() {
        // the ranks keep their moments
    }
}
