-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "Role" AS ENUM ('admin', 'researcher');

-- CreateEnum
CREATE TYPE "SiteState" AS ENUM ('pending', 'approved', 'revoked');

-- CreateEnum
CREATE TYPE "RunState" AS ENUM ('draft', 'approving', 'running', 'paused', 'evaluating', 'completed', 'failed', 'cancelled');

-- CreateEnum
CREATE TYPE "RoundKind" AS ENUM ('train', 'evaluate');

-- CreateEnum
CREATE TYPE "RoundState" AS ENUM ('offered', 'collecting', 'aggregating', 'published', 'abandoned');

-- CreateEnum
CREATE TYPE "AssignmentState" AS ENUM ('offered', 'accepted', 'training', 'uploading', 'received', 'declined', 'expired', 'failed', 'superseded');

-- CreateTable
CREATE TABLE "ApiKey" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "role" "Role" NOT NULL,
    "keySha256" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "revokedAt" TIMESTAMP(3),

    CONSTRAINT "ApiKey_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Study" (
    "id" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "modality" TEXT NOT NULL,
    "classes" TEXT[],
    "scarceClasses" TEXT[],
    "imageSizePx" INTEGER NOT NULL,
    "imageChannels" INTEGER NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Study_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Site" (
    "id" TEXT NOT NULL,
    "publicKey" TEXT NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "state" "SiteState" NOT NULL DEFAULT 'pending',
    "lastSeenAt" TIMESTAMP(3),
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Site_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Membership" (
    "studyId" TEXT NOT NULL,
    "siteId" TEXT NOT NULL,

    CONSTRAINT "Membership_pkey" PRIMARY KEY ("studyId","siteId")
);

-- CreateTable
CREATE TABLE "Invitation" (
    "tokenSha256" TEXT NOT NULL,
    "studyId" TEXT NOT NULL,
    "siteId" TEXT NOT NULL,
    "expiresAt" TIMESTAMP(3) NOT NULL,
    "usedAt" TIMESTAMP(3),
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Invitation_pkey" PRIMARY KEY ("tokenSha256")
);

-- CreateTable
CREATE TABLE "Challenge" (
    "sha256" TEXT NOT NULL,
    "siteId" TEXT NOT NULL,
    "expiresAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "Challenge_pkey" PRIMARY KEY ("sha256")
);

-- CreateTable
CREATE TABLE "Run" (
    "id" TEXT NOT NULL,
    "studyId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "recipe" JSONB NOT NULL,
    "recipeSha256" TEXT NOT NULL,
    "state" "RunState" NOT NULL DEFAULT 'draft',
    "sites" TEXT[],
    "eventSeq" INTEGER NOT NULL DEFAULT 0,
    "attemptsForgiven" INTEGER NOT NULL DEFAULT 0,
    "approvalDeadlineAt" TIMESTAMP(3) NOT NULL,
    "manifest" JSONB,
    "nextRoundAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "problem" JSONB,
    "evaluation" JSONB,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "startedAt" TIMESTAMP(3),
    "endedAt" TIMESTAMP(3),

    CONSTRAINT "Run_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "RecipeAnswer" (
    "runId" TEXT NOT NULL,
    "siteId" TEXT NOT NULL,
    "approved" BOOLEAN NOT NULL,
    "reason" TEXT,
    "answeredAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "RecipeAnswer_pkey" PRIMARY KEY ("runId","siteId")
);

-- CreateTable
CREATE TABLE "Round" (
    "id" TEXT NOT NULL,
    "runId" TEXT NOT NULL,
    "n" INTEGER NOT NULL,
    "attempt" INTEGER NOT NULL,
    "kind" "RoundKind" NOT NULL,
    "state" "RoundState" NOT NULL DEFAULT 'offered',
    "openedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deadlineAt" TIMESTAMP(3) NOT NULL,
    "closedAt" TIMESTAMP(3),
    "reason" TEXT,
    "loss" DOUBLE PRECISION,
    "bytesUp" BIGINT NOT NULL DEFAULT 0,
    "timings" JSONB,
    "leaseOwner" TEXT,
    "leaseUntil" TIMESTAMP(3),

    CONSTRAINT "Round_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Assignment" (
    "id" TEXT NOT NULL,
    "runId" TEXT NOT NULL,
    "roundId" TEXT NOT NULL,
    "siteId" TEXT NOT NULL,
    "state" "AssignmentState" NOT NULL DEFAULT 'offered',
    "stage" TEXT,
    "done" DOUBLE PRECISION,
    "total" DOUBLE PRECISION,
    "images" INTEGER,
    "loss" DOUBLE PRECISION,
    "bytes" BIGINT,
    "updateSha256" TEXT,
    "report" JSONB,
    "problem" JSONB,
    "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Assignment_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ModelVersion" (
    "runId" TEXT NOT NULL,
    "round" INTEGER NOT NULL,
    "weightsSha256" TEXT NOT NULL,
    "weightsBytes" BIGINT NOT NULL,
    "emaSha256" TEXT NOT NULL,
    "emaBytes" BIGINT NOT NULL,
    "state" JSONB NOT NULL DEFAULT '{}',
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ModelVersion_pkey" PRIMARY KEY ("runId","round")
);

-- CreateTable
CREATE TABLE "Release" (
    "runId" TEXT NOT NULL,
    "round" INTEGER NOT NULL,
    "lineage" JSONB NOT NULL,
    "signature" TEXT NOT NULL,
    "publicKey" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Release_pkey" PRIMARY KEY ("runId")
);

-- CreateTable
CREATE TABLE "RunEvent" (
    "runId" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "kind" TEXT NOT NULL,
    "round" INTEGER,
    "siteId" TEXT,
    "detail" JSONB NOT NULL,

    CONSTRAINT "RunEvent_pkey" PRIMARY KEY ("runId","seq")
);

-- CreateTable
CREATE TABLE "AuditEntry" (
    "seq" INTEGER NOT NULL,
    "at" TIMESTAMP(3) NOT NULL,
    "actor" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "detail" JSONB NOT NULL,
    "previousHash" TEXT NOT NULL,
    "hash" TEXT NOT NULL,

    CONSTRAINT "AuditEntry_pkey" PRIMARY KEY ("seq")
);

-- CreateTable
CREATE TABLE "AuditHead" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "seq" INTEGER NOT NULL DEFAULT 0,
    "hash" TEXT NOT NULL,

    CONSTRAINT "AuditHead_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "ApiKey_keySha256_key" ON "ApiKey"("keySha256");

-- CreateIndex
CREATE INDEX "Membership_siteId_idx" ON "Membership"("siteId");

-- CreateIndex
CREATE INDEX "Challenge_expiresAt_idx" ON "Challenge"("expiresAt");

-- CreateIndex
CREATE INDEX "Run_state_idx" ON "Run"("state");

-- CreateIndex
CREATE INDEX "Round_state_idx" ON "Round"("state");

-- CreateIndex
CREATE UNIQUE INDEX "Round_runId_n_attempt_key" ON "Round"("runId", "n", "attempt");

-- CreateIndex
CREATE INDEX "Assignment_roundId_idx" ON "Assignment"("roundId");

-- CreateIndex
CREATE INDEX "Assignment_siteId_state_idx" ON "Assignment"("siteId", "state");

-- CreateIndex
CREATE INDEX "ModelVersion_weightsSha256_idx" ON "ModelVersion"("weightsSha256");

-- CreateIndex
CREATE INDEX "ModelVersion_emaSha256_idx" ON "ModelVersion"("emaSha256");

-- AddForeignKey
ALTER TABLE "Membership" ADD CONSTRAINT "Membership_studyId_fkey" FOREIGN KEY ("studyId") REFERENCES "Study"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Membership" ADD CONSTRAINT "Membership_siteId_fkey" FOREIGN KEY ("siteId") REFERENCES "Site"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Invitation" ADD CONSTRAINT "Invitation_studyId_fkey" FOREIGN KEY ("studyId") REFERENCES "Study"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Run" ADD CONSTRAINT "Run_studyId_fkey" FOREIGN KEY ("studyId") REFERENCES "Study"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "RecipeAnswer" ADD CONSTRAINT "RecipeAnswer_runId_fkey" FOREIGN KEY ("runId") REFERENCES "Run"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Round" ADD CONSTRAINT "Round_runId_fkey" FOREIGN KEY ("runId") REFERENCES "Run"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Assignment" ADD CONSTRAINT "Assignment_roundId_fkey" FOREIGN KEY ("roundId") REFERENCES "Round"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ModelVersion" ADD CONSTRAINT "ModelVersion_runId_fkey" FOREIGN KEY ("runId") REFERENCES "Run"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Release" ADD CONSTRAINT "Release_runId_fkey" FOREIGN KEY ("runId") REFERENCES "Run"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "RunEvent" ADD CONSTRAINT "RunEvent_runId_fkey" FOREIGN KEY ("runId") REFERENCES "Run"("id") ON DELETE RESTRICT ON UPDATE CASCADE;



-- The end of the empty audit chain
INSERT INTO "AuditHead" ("id", "seq", "hash") VALUES (1, 0, repeat('0', 64));
