import type { IncomingMessage, ServerResponse } from 'node:http';
import { Module, type ExceptionFilter, type INestApplication, type NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';

const PATHS = /^\/docs(-json|-yaml|\/[^?]*)?(\?|$)/;

type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

@Module({})
class DescriptionModule {}

/**
 * Middleware: OpenAPI at `/docs` (page) and `/docs-json` (document). What makes it takes memory: it is loaded by the first
 * request, into an application of its own, as the routes of `app` are fixed by then.
 *
 * @param filter What answers where there is no page.
 */
export function describeApi(app: INestApplication, filter: ExceptionFilter): Middleware {
  let description: Promise<Middleware> | undefined;
  return (request, response, next) => {
    if (!PATHS.test(request.url ?? '')) return next();
    description ??= createDescription(app, filter);
    description.then((describe) => describe(request, response, next), next);
  };
}

async function createDescription(app: INestApplication, filter: ExceptionFilter): Promise<Middleware> {
  const { DocumentBuilder, SwaggerModule } = await import('@nestjs/swagger');
  const config = new DocumentBuilder()
    .setTitle('Tributary coordinator')
    .setDescription('Federated training of medical image generators. Errors are `Problem` bodies with stable codes.')
    .setVersion('1')
    .addBearerAuth()
    .build();
  const express = new ExpressAdapter();
  const options: Pick<NestApplicationOptions, 'logger'> = { logger: false };
  const description = await NestFactory.create<NestExpressApplication>(DescriptionModule, express, options);
  description.useGlobalFilters(filter);
  SwaggerModule.setup('docs', description, () => SwaggerModule.createDocument(app, config));
  await description.init();
  return express.getInstance<Middleware>();
}
