// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.train.MicroBatch.Loss;

/** A step that the ranks of a {@link Team} share: each computes some micro-batches, and updates some of the parameters. */
final class TeamStep extends TrainStep {
    private final Team team;
    /** Null unless the method asks for them. */
    private final SharedRisks risks;

    TeamStep(Gpt2 model, Objective objective, TokenData data, TrainOptions options, Team team) {
        super(model, objective, data, options, team.optimizer());
        this.team = team;
        SharedRisks all = new SharedRisks(team.ranks());
        risks = objective.shareRisks(all) ? all : null;
    }

    @Override
    Loss gradients() {
        if (risks != null) {
            risks.begin(this);
        }
        return team.gradients(this);
    }

    @Override
    double gradientNorm() {
        return team.gradientNorm();
    }

    @Override
    void update(double learningRate, double gradientScale) {
        team.update(() -> super.update(learningRate, gradientScale));
    }

    @Override
    DivergedError notFinite(double norm) {
        return NonFinite.gradient(norm, steps + 1, team.firstNotFinite());
    }
}
