-- CreateEnum
CREATE TYPE "PauseCause" AS ENUM ('admin', 'attempts', 'storage');

-- AlterTable
ALTER TABLE "Site" ADD COLUMN     "trainingHours" JSONB;

-- AlterTable
ALTER TABLE "Run" ADD COLUMN     "nextRoundWaitsFor" TEXT,
ADD COLUMN     "pauseCause" "PauseCause";
UPDATE "Run" SET "pauseCause" = 'admin' WHERE "state" = 'paused';

-- AlterTable: existing assignments take both from their round.
ALTER TABLE "Assignment" ADD COLUMN     "baseVersion" INTEGER,
ADD COLUMN     "deadlineAt" TIMESTAMP(3),
ADD COLUMN     "imagesPerSecond" DOUBLE PRECISION,
ADD COLUMN     "stageSince" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
ADD COLUMN     "updatePrunedAt" TIMESTAMP(3);
UPDATE "Assignment" SET "baseVersion" = "Round"."n" - 1, "deadlineAt" = "Round"."deadlineAt"
  FROM "Round" WHERE "Round"."id" = "Assignment"."roundId";
ALTER TABLE "Assignment" ALTER COLUMN "baseVersion" SET NOT NULL,
ALTER COLUMN "deadlineAt" SET NOT NULL;

-- AlterTable
ALTER TABLE "ModelVersion" ADD COLUMN     "prunedAt" TIMESTAMP(3);

-- CreateIndex
CREATE INDEX "Assignment_runId_state_idx" ON "Assignment"("runId", "state");

-- CreateIndex
CREATE INDEX "Assignment_updateSha256_idx" ON "Assignment"("updateSha256");
